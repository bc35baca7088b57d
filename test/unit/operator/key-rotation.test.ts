import {array, assert, boolean, constantFrom, integer, property, record} from 'fast-check';
import {describe, expect, test} from 'vitest';
import {keyList, readRing, writeRing, type KeyRing} from '../../../src/operator/desired/keyRing.ts';
import type {KeyView} from '../../../src/operator/observed.ts';
import {
  LATE_MS,
  NEW,
  turn,
  type Replica,
  type RotationInputs,
} from '../../../src/operator/reconcile/key-rotation.ts';

// Keys, replicas, caches and tokens in memory. Whatever happens to them, no token that is valid fails to verify.

const START = Date.parse('2026-11-23T12:00:00Z');
const HOUR = 3_600_000;

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

class Keys {
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
    const {ring, material: keys, wanted, rotate, retire, now} = this;
    return {ring, keys, wanted, rotate, retire, replicas, publicKids: undefined, now};
  }

  /** One pass of an operator that remembers nothing: what it knows stands in the Secret. */
  pass(): ReturnType<typeof turn> {
    const rotation = turn(this.inputs());
    if (!rotation.changed) return rotation;
    const kid = `k${rotation.mint ? ++this.#minted : 0}`;
    const keys = rotation.ring.keys.map((each) => (each.kid === NEW ? {...each, kid} : each));
    this.ring = readRing(writeRing({...rotation.ring, keys}));
    this.material = this.material.filter((each) => !rotation.drop.includes(each.kid));
    if (rotation.mint) this.material.push({kid, algorithm: rotation.mint});
    this.states.push(keys.map((each) => `${each.kid} ${each.state}`).join(', '));
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

describe('a rotation', () => {
  test('publishes, signs when every replica and cache has it, and retires when the last token has expired', () => {
    const keys = new Keys();
    keys.rotate = 'now';
    keys.run(3 * HOUR);
    expect(keys.states).toEqual([
      'k1 Signing',
      'k1 Signing, k2 Published',
      'k1 Signing, k2 Published',
      'k1 Retiring, k2 Signing',
      'k1 Retiring, k2 Signing',
      'k2 Signing',
    ]);
    // What was asked for is done once.
    keys.run(HOUR);
    expect(keys.material).toEqual([{kid: 'k2', algorithm: 'ES256'}]);
    expect(keys.pass()).toMatchObject({changed: false, waiting: undefined, dueAt: undefined});
  });

  test('by the schedule the next key is published publishBefore ahead, and signs rotateEvery after the last did', () => {
    const keys = new Keys();
    keys.wanted = {...keys.wanted, rotateEverySeconds: 24 * 3600, publishBeforeSeconds: 2 * 3600};
    expect(keys.pass().dueAt).toBe(START + 22 * HOUR);
    keys.run(22 * HOUR);
    expect(keys.ring?.keys.map(({state}) => state)).toEqual(['Signing', 'Published']);
    keys.run(2 * HOUR - 60_000);
    expect(keys.signer).toBe('k1');
    keys.run(120_000);
    expect(keys.signer).toBe('k2');
    keys.run(24 * HOUR);
    expect(keys.signer).toBe('k3');
  });

  test('stops while a pod lags, says which, and goes on by itself', () => {
    const keys = new Keys();
    keys.stuck.add('auth-1');
    keys.rotate = 'now';
    keys.run(LATE_MS - 20_000);
    expect(keys.pass().waiting).toEqual({
      kid: 'k2',
      until: 'served',
      pods: ['auth-1'],
      publicURL: false,
      late: false,
    });
    keys.run(HOUR);
    expect(keys.signer).toBe('k1');
    expect(keys.pass().waiting).toMatchObject({pods: ['auth-1'], late: true});
    keys.stuck.clear();
    keys.run(HOUR);
    expect(keys.signer).toBe('k2');
  });

  test('keeps the old key while a pod may still sign with it', () => {
    const keys = new Keys();
    keys.rotate = 'now';
    while (keys.signer === 'k1') keys.tick();
    keys.stuck.add('auth-2');
    keys.run(5 * HOUR);
    expect(keys.pass().waiting).toMatchObject({kid: 'k1', until: 'signed-with-another', pods: ['auth-2']});
    expect(keys.material).toHaveLength(2);
    keys.stuck.clear();
    keys.run(2 * HOUR);
    expect(keys.material).toEqual([{kid: 'k2', algorithm: 'ES256'}]);
  });

  test('waits for a public URL that answers without the key, and not for one that cannot be asked', () => {
    const keys = new Keys();
    keys.rotate = 'now';
    keys.run(120_000);
    const lacking = turn({...keys.inputs(), publicKids: ['k1']});
    expect(lacking.waiting).toMatchObject({publicURL: true, pods: []});
    expect(lacking.ring.keys.find(({kid}) => kid === 'k2')).not.toHaveProperty('servedSince');
    keys.now += HOUR;
    expect(turn({...keys.inputs(), publicKids: ['k1']}).ring.keys[0]?.state).toBe('Signing');
    expect(turn({...keys.inputs(), publicKids: ['k1', 'k2']}).ring.keys[0]?.state).toBe('Retiring');
  });

  test('holds while no pod can be asked', () => {
    const keys = new Keys();
    keys.rotate = 'now';
    keys.run(120_000);
    const gone = keys.pods;
    keys.pods = [];
    keys.run(24 * HOUR);
    expect(keys.signer).toBe('k1');
    keys.pods = gone;
    keys.run(HOUR);
    expect(keys.signer).toBe('k2');
  });

  test('a key that others know goes at once, whatever it does', () => {
    const keys = new Keys();
    keys.retire = 'k1';
    keys.pass();
    expect(keys.states.at(-1)).toBe('k2 Signing');
    expect(keys.material).toEqual([{kid: 'k2', algorithm: 'ES256'}]);
    // The annotation may stay.
    expect(keys.pass().changed).toBe(false);
    keys.rotate = 'now';
    keys.pass();
    keys.retire = 'k3';
    keys.pass();
    expect(keys.signer).toBe('k2');
    expect(keys.material.map(({kid}) => kid)).toEqual(['k2']);
  });

  test('of a published key and one that signs and goes, the published one signs next', () => {
    const keys = new Keys();
    keys.rotate = 'now';
    keys.pass();
    keys.retire = 'k1';
    keys.pass();
    expect(keys.states.at(-1)).toBe('k2 Signing');
  });

  test('an algorithm is changed as a key is, and changed back before that costs nothing', () => {
    const keys = new Keys();
    keys.wanted = {...keys.wanted, algorithm: 'RS256'};
    keys.run(60_000);
    expect(keys.ring?.keys.map(({algorithm, state}) => `${algorithm} ${state}`)).toEqual([
      'ES256 Signing',
      'RS256 Published',
    ]);
    keys.wanted = {...keys.wanted, algorithm: 'ES256'};
    keys.pass();
    expect(keys.material.map(({kid}) => kid)).toEqual(['k1']);
    keys.wanted = {...keys.wanted, algorithm: 'EdDSA'};
    keys.run(3 * HOUR);
    expect(keys.material).toEqual([expect.objectContaining({algorithm: 'EdDSA'})]);
  });

  test('a ring that was lost is made anew: the key that signs goes on, others verify until their tokens have gone', () => {
    const keys = new Keys();
    keys.rotate = 'now';
    while (keys.signer === 'k1') keys.tick();
    keys.material = keys.material.map((each) => ({...each, signs: each.kid === 'k2'}));
    keys.ring = undefined;
    keys.rotate = undefined;
    keys.pass();
    expect(keys.states.at(-1)).toBe('k1 Retiring, k2 Signing');
    keys.run(3 * HOUR);
    expect(keys.material.map(({kid}) => kid)).toEqual(['k2']);
  });

  test('a key that somebody took away is not missed, and one that somebody put there takes its turn', () => {
    const keys = new Keys();
    keys.material = [];
    keys.pass();
    expect(keys.states.at(-1)).toBe('k2 Signing');
    keys.material.push({kid: 'own', algorithm: 'ES256'});
    keys.pass();
    const pods = keys.pods.map(({name}) => name);
    keys.pods = [];
    for (const name of pods) keys.start(name);
    [keys.tokens, keys.caches] = [[], []];
    keys.run(HOUR);
    expect(keys.signer).toBe('own');
  });

  test('however often it is asked for, there are never more keys than a handful', () => {
    const keys = new Keys();
    for (let n = 0; n < 30; n++) {
      keys.rotate = String(n);
      keys.run(480_000);
      expect(keys.material.length).toBeLessThanOrEqual(8);
    }
    keys.run(5 * HOUR);
    expect(keys.material).toHaveLength(1);
  });
});

type Happening = (keys: Keys, n: number) => void;
const happenings: Record<string, Happening> = {
  time: (keys, n) => void keys.run(n * 60_000),
  longTime: (keys, n) => void keys.run((n * HOUR) / 4),
  rotate: (keys, n) => void (keys.rotate = `request ${n} at ${keys.now}`),
  stuck: (keys, n) => void keys.stuck.add(`auth-${n % 3}`),
  unstuck: (keys) => keys.stuck.clear(),
  lag: (keys, n) => void (keys.lagMs = n * 15_000),
  scaleUp: (keys, n) => {
    if (!keys.pods.some(({name}) => name === `more-${n}`)) keys.start(`more-${n}`);
  },
  scaleDown: (keys) => void (keys.pods.length > 1 && keys.pods.pop()),
  algorithm: (keys, n) => void (keys.wanted = {...keys.wanted, algorithm: n % 2 === 0 ? 'ES256' : 'EdDSA'}),
  schedule: (keys, n) => void (keys.wanted = {...keys.wanted, rotateEverySeconds: (n % 3) * 7200}),
  tokenTTL: (keys, n) => void (keys.wanted = {...keys.wanted, tokenTTLSeconds: 60 * (n + 1)}),
  maxAge: (keys, n) => void (keys.wanted = {...keys.wanted, maxAgeSeconds: 30 * (n + 1)}),
  // The operator raises its bounds before pods with the new values run.
  rollOne: (keys, n) => {
    keys.pass();
    const pod = keys.pods[n % keys.pods.length];
    if (pod === undefined) return;
    keys.pods = keys.pods.filter((each) => each !== pod);
    keys.stuck.delete(pod.name);
    keys.start(pod.name);
  },
  killed: (keys) => {
    // Before a write: it was decided, and never happened. After it: it happened, and nobody remembers.
    turn(keys.inputs());
    keys.pass();
    keys.pass();
  },
};

describe('whatever happens', () => {
  const runs = Number(process.env['KEY_HISTORIES'] ?? '30');
  test('no valid token fails at any replica or cache, and exactly one key signs', () => {
    const history = array(
      record({
        what: constantFrom(...Object.keys(happenings)),
        n: integer({min: 1, max: 12}),
        wait: boolean(),
      }),
      {maxLength: 25},
    );
    assert(
      property(history, integer({min: 1, max: 4}), (steps, pods) => {
        const keys = new Keys(pods);
        for (const {what, n, wait} of steps) {
          happenings[what]?.(keys, n);
          if (wait) keys.run(60_000);
          else keys.tick();
        }
        // When things have come to rest, a rotation always comes to its end.
        keys.stuck.clear();
        keys.wanted = {...keys.wanted, rotateEverySeconds: 0};
        keys.lagMs = 60_000;
        keys.run(4 * HOUR);
        keys.rotate = 'the last';
        keys.run(4 * HOUR);
        expect(keys.ring?.keys.map(({state}) => state)).toEqual(['Signing']);
        expect(keys.ring?.request).toBe('the last');
        const {ring} = keys;
        keys.run(60_000);
        expect(keys.ring).toBe(ring);
      }),
      {numRuns: runs},
    );
  }, 120_000);
});
