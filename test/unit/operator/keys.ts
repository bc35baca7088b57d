import {keyList, readRing, writeRing, type KeyRing} from '../../../src/operator/desired/key-ring.ts';
import type {KeyView, Moment} from '../../../src/operator/observed.ts';
import {ringIds} from '../../../src/operator/decide/key-deadlines.ts';
import {NEW, turn} from '../../../src/operator/decide/key-rotation.ts';
import type {Replica, RotationInputs} from '../../../src/operator/decide/rotation-inputs.ts';

// Keys, replicas, caches and tokens in memory. Whatever happens to them, no token that is valid fails to verify.

export const START = Date.parse('2026-11-23T12:00:00Z');
export const HOUR = 3_600_000;

type Wanted = RotationInputs['wanted'];
interface Settings {
  maxAgeSeconds: number;
  tokenTTLSeconds: number;
}
interface Pod extends Settings {
  name: string;
  startedAt: number;
  /** What its mounted Secret holds, and when it takes the newest. */
  mounted: readonly {kid: string; use: string}[];
  refreshedAt: number;
}

export class Keys {
  now = START;
  wanted: Wanted = {
    algorithm: 'ES256',
    rotateEverySeconds: 0,
    publishBeforeSeconds: 600,
    maxAgeSeconds: 300,
    tokenTTLSeconds: 3600,
  };
  /** The Secret. */
  ring: KeyRing | undefined;
  material: KeyView[] = [];
  rotate: string | undefined;
  retire: string | undefined;
  pods: Pod[] = [];
  /** How long after a change a pod may serve what was before it. */
  lagMs = 60_000;
  /** The pods whose volume does not follow. */
  stuck = new Set<string>();
  tokens: {kid: string; expiresAt: number}[] = [];
  caches: {kids: readonly string[]; until: number}[] = [];
  states: string[] = [];
  /** By how much the operator's clock is off. */
  offsetMs = 0;
  #seen = new Map<string, Moment>();
  #minted = 0;

  constructor(pods = 3) {
    this.pass();
    for (let n = 0; n < pods; n++) this.start(`auth-${n}`);
  }

  #listed: {ring: KeyRing | undefined; list: {kid: string; use: string}[]} = {ring: undefined, list: []};

  /** What a pod reads that mounts the Secret now. */
  get list(): {kid: string; use: string}[] {
    if (this.#listed.ring === this.ring) return this.#listed.list;
    const {signingKeys} = JSON.parse(keyList(this.ring?.keys ?? [])) as {
      signingKeys: {kid: string; use: string}[];
    };
    this.#listed = {ring: this.ring, list: signingKeys};
    return signingKeys;
  }

  start(name: string): void {
    const {maxAgeSeconds, tokenTTLSeconds} = this.wanted;
    const {now, list} = this;
    this.pods.push({name, startedAt: now, mounted: list, refreshedAt: now, maxAgeSeconds, tokenTTLSeconds});
  }

  inputs(): RotationInputs {
    const replicas = this.pods.map((pod): Replica => ({
      pod: pod.name,
      startedAt: pod.startedAt,
      down: false,
      answer: {
        kids: pod.mounted.map(({kid}) => kid),
        signer: pod.mounted.find(({use}) => use === 'sign')?.kid,
        maxAgeSeconds: pod.maxAgeSeconds,
        tokenTTLSeconds: pod.tokenTTLSeconds,
      },
    }));
    const {ring, material: keys, wanted, rotate, retire} = this;
    const at = {now: this.now + this.offsetMs, monotonic: this.now};
    const ids = ring === undefined ? [] : [...ringIds(ring)];
    this.#seen = new Map(ids.map((id) => [id, this.#seen.get(id) ?? at]));
    const seen = new Map(this.#seen);
    return {ring, keys, wanted, rotate, retire, replicas, publicKids: undefined, seen, ...at};
  }

  /** Another operator takes over, whose clock is off by so much. It knows what stands in the Secret, and no more. */
  handOver(offsetMs: number): void {
    this.#seen.clear();
    this.offsetMs = offsetMs;
  }

  /** One pass of an operator. */
  pass(): ReturnType<typeof turn> {
    const rotation = turn(this.inputs());
    if (!rotation.changed) return rotation;
    const kid = `k${rotation.mint ? ++this.#minted : 0}`;
    const keys = rotation.ring.keys.map((each) => (each.kid === NEW ? {...each, kid} : each));
    this.ring = readRing(writeRing({...rotation.ring, keys}));
    this.material = this.material.filter((each) => !rotation.drop.includes(each.kid));
    if (rotation.mint) this.material.push({kid, algorithm: rotation.mint});
    this.states.push(keys.map((each) => `${each.kid} ${each.state}`).join(', '));
    // It has seen what it wrote.
    this.inputs();
    return rotation;
  }

  /** Time goes on: volumes follow, replicas sign, clients fetch and keep keys, and everyone verifies every token. */
  tick(ms = 15_000): void {
    this.now += ms;
    const {list} = this;
    for (const pod of this.pods) {
      if (this.stuck.has(pod.name)) continue;
      if (pod.mounted === list) pod.refreshedAt = this.now;
      else if (this.now - pod.refreshedAt >= this.lagMs)
        Object.assign(pod, {mounted: list, refreshedAt: this.now});
    }
    for (const pod of this.pods) {
      const signer = pod.mounted.find(({use}) => use === 'sign')?.kid ?? 'none';
      this.tokens.push({kid: signer, expiresAt: this.now + pod.tokenTTLSeconds * 1000});
      const kids = pod.mounted.map(({kid}) => kid);
      this.caches.push({kids, until: this.now + pod.maxAgeSeconds * 1000});
    }
    this.tokens = distinct(
      this.tokens.filter((each) => each.expiresAt > this.now),
      ({kid}) => kid,
      ({expiresAt}) => expiresAt,
    );
    this.caches = distinct(
      this.caches.filter((each) => each.until > this.now),
      ({kids}) => kids.join(),
      ({until}) => until,
    );
    this.verify();
    this.pass();
  }

  verify(): void {
    for (const {kid} of this.tokens) {
      for (const pod of this.pods) {
        if (!pod.mounted.some((each) => each.kid === kid))
          throw new Error(`${pod.name} refuses a valid token of ${kid} after ${this.states.join(' → ')}`);
      }
      for (const {kids} of this.caches) {
        if (!kids.includes(kid))
          throw new Error(`a cache of ${kids.join()} lacks ${kid} after ${this.states.join(' → ')}`);
      }
    }
    if (this.list.filter(({use}) => use === 'sign').length !== 1) throw new Error('not one key signs');
    const material = this.material.map(({kid}) => kid).sort();
    if (this.list.map(({kid}) => kid).join() !== material.join())
      throw new Error(`the list does not name what is there: ${material.join()}`);
  }

  run(ms: number): this {
    for (const until = this.now + ms; this.now < until;) this.tick(Math.min(15_000, until - this.now));
    return this;
  }

  get signer(): string {
    return this.ring?.keys.find(({state}) => state === 'Signing')?.kid ?? 'none';
  }
}

/** Of those alike the one that lasts longest. */
function distinct<T>(all: readonly T[], id: (each: T) => string, until: (each: T) => number): T[] {
  const found = new Map<string, T>();
  for (const each of all) {
    const known = found.get(id(each));
    if (known === undefined || until(each) > until(known)) found.set(id(each), each);
  }
  return [...found.values()];
}
