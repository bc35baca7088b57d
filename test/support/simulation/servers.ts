import {RESOURCES} from '../../../src/kube/objects.ts';
import {KEY_LIST} from '../../../src/operator/desired/key-ring.ts';
import {names} from '../../../src/operator/desired/names.ts';
import type {KeyAnswer} from '../../../src/operator/observed.ts';
import type {KeyAsker} from '../../../src/operator/observe/key-watch.ts';
import type {Pod} from '../../../src/operator/workloads.ts';
import type {SimulatedApi} from './api.ts';
import {NAMESPACE} from './process.ts';
import type {SimulatedTime} from './time.ts';

interface Server {
  readonly name: string;
  readonly address: string;
  /** What its mounted Secret holds, and since when. */
  mounted: readonly {kid: string; use: string}[];
  refreshedAt: number;
}

/** A kubelet brings a changed Secret to its pods within so long. */
const LAG_MS = 60_000;
const TICK_MS = 5000;

/**
 * The pods that serve, as far as their keys go: they follow the Secret late, sign and verify, and others
 * keep their key sets. Whatever operators do, no token that is valid may be refused.
 */
export class SimulatedServers implements KeyAsker {
  /** Rules that were broken. */
  readonly broken = new Set<string>();
  readonly #api: SimulatedApi;
  readonly #time: SimulatedTime;
  readonly #told: {readonly maxAgeSeconds: number; readonly tokenTTLSeconds: number};
  readonly #servers: Server[] = [];
  /** Until when a token of a key is valid, and a key set is kept. */
  readonly #tokens = new Map<string, number>();
  readonly #caches = new Map<string, number>();

  constructor(
    parts: {api: SimulatedApi; time: SimulatedTime},
    told: {maxAgeSeconds: number; tokenTTLSeconds: number},
  ) {
    this.#api = parts.api;
    this.#time = parts.time;
    this.#told = told;
    this.#api.onEntry(({plural, before, after}) => {
      if (plural === 'pods') this.#follow(before, after);
    });
    const tick = (): void => {
      this.#tick();
      this.#time.after(TICK_MS, tick);
    };
    tick();
  }

  pod({address}: {address: string}): Promise<KeyAnswer | undefined> {
    const server = this.#servers.find((each) => each.address === address);
    return Promise.resolve(
      server && {kids: server.mounted.map(({kid}) => kid), signer: signerOf(server), ...this.#told},
    );
  }

  published(): Promise<undefined> {
    return Promise.resolve(undefined);
  }

  get #listed(): Server['mounted'] {
    const name = names({name: 'auth'}).signingKeys;
    const secret = this.#api.get(RESOURCES.Secret, {namespace: NAMESPACE, name});
    const {[KEY_LIST]: list = ''} = (secret?.['data'] ?? {}) as Record<string, string>;
    const text = Buffer.from(list, 'base64').toString() || '{"signingKeys":[]}';
    return (JSON.parse(text) as {signingKeys: Server['mounted']}).signingKeys;
  }

  /** Whoever has an address serves until it is gone. */
  #follow(before: Pod | undefined, after: Pod | undefined): void {
    const {name, labels} = (after ?? before)?.metadata ?? {};
    if (name === undefined || labels?.['app.kubernetes.io/component'] !== 'server') return;
    const known = this.#servers.findIndex((each) => each.name === name);
    const address = after?.status?.podIP;
    if (after === undefined && known >= 0) this.#servers.splice(known, 1);
    if (address === undefined || known >= 0) return;
    this.#servers.push({name, address, mounted: this.#listed, refreshedAt: this.#time.now});
  }

  #tick(): void {
    const {now} = this.#time;
    const listed = this.#listed;
    for (const server of this.#servers) {
      if (JSON.stringify(server.mounted) === JSON.stringify(listed)) server.refreshedAt = now;
      else if (now - server.refreshedAt >= LAG_MS) Object.assign(server, {mounted: listed, refreshedAt: now});
      this.#tokens.set(signerOf(server), now + this.#told.tokenTTLSeconds * 1000);
      const kids = server.mounted.map(({kid}) => kid).join();
      this.#caches.set(kids, now + this.#told.maxAgeSeconds * 1000);
    }
    for (const [kid, until] of this.#tokens) {
      if (until <= now) continue;
      for (const {name, mounted} of this.#servers)
        if (!mounted.some((each) => each.kid === kid)) this.broken.add(`${name} refuses a token of ${kid}`);
      for (const [kids, keptUntil] of this.#caches)
        if (keptUntil > now && !kids.split(',').includes(kid))
          this.broken.add(`who keeps the keys ${kids} refuses a token of ${kid}`);
    }
  }
}

function signerOf({mounted}: Server): string {
  return mounted.find(({use}) => use === 'sign')?.kid ?? 'none';
}
