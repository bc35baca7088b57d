import {
  ApiError,
  type KubeClient,
  type Page,
  type PagesOptions,
  type Selection,
  type WatchEvent,
} from '../../../src/kube/client.ts';
import {keyOf, type KubeObject, type ObjectKey, type ResourceType} from '../../../src/kube/objects.ts';
import type {Change, Entry, SimulatedApi} from './api.ts';
import {NO_FAULTS, type Faults, type Tally} from './faults.ts';
import type {Random} from './random.ts';
import type {ProcessClock} from './time.ts';

interface CallOptions {
  readonly signal?: AbortSignal | undefined;
  readonly timeoutMs?: number | undefined;
  readonly dryRun?: boolean | undefined;
  /** Where the object is, or all that is asked for. */
  readonly namespace?: string | undefined;
}

interface Stream {
  cut: boolean;
  mute: boolean;
  wake: () => void;
}

const BOOKMARK_MS = 60_000;

/**
 * One process's way to the simulated API server, with all that may go wrong on it. A process that was killed gets no
 * answer any more, and none of its calls arrives.
 */
export class SimulatedClient {
  faults: Faults = NO_FAULTS;
  /** The server is away. */
  outage = false;
  /** Only this process's calls on the lease fail. */
  leaseBlocked = false;
  /** Namespaces in which this process has no rights, but on its lease. */
  forbidden: ReadonlySet<string> = new Set();
  /** What a call ends with instead of its answer: an error, or nothing until its deadline. */
  instead: (call: string) => ApiError | 'silence' | undefined = () => undefined;
  /** Called around each write but of leases and events; what it throws never arrives at the server. */
  beforeWrite: () => void = () => undefined;
  afterWrite: () => void = () => undefined;
  /** The same of leases. */
  beforeLease: () => void = () => undefined;
  afterLease: () => void = () => undefined;
  readonly #api: SimulatedApi;
  readonly #clock: ProcessClock;
  readonly #random: Random;
  readonly #tally: Tally;
  readonly #name: string;
  #dead = false;
  readonly #streams = new Set<Stream>();

  constructor(name: string, api: SimulatedApi, parts: {clock: ProcessClock; random: Random; tally: Tally}) {
    this.#name = name;
    this.#api = api;
    this.#clock = parts.clock;
    this.#random = parts.random;
    this.#tally = parts.tally;
  }

  /** For what takes the real client: all of it that an operator uses is here. */
  get asKubeClient(): KubeClient {
    return this as unknown as KubeClient;
  }

  kill(): void {
    this.#dead = true;
  }

  /** Breaks all connections. */
  cut(): void {
    for (const stream of this.#streams) {
      stream.cut = true;
      stream.wake();
    }
  }

  get<T extends KubeObject>(
    type: ResourceType,
    key: ObjectKey,
    options: CallOptions = {},
  ): Promise<T | undefined> {
    return this.#call(
      `get ${type.plural} ${keyOf(key)}`,
      type,
      {...options, namespace: key.namespace},
      () => this.#api.get(type, key) as T | undefined,
    );
  }

  create<T extends KubeObject>(
    type: ResourceType,
    object: T,
    options: CallOptions & {fieldManager?: string} = {},
  ): Promise<T> {
    return this.#write({verb: 'create', type, object, manager: options.fieldManager ?? ''}, options);
  }

  apply<T extends KubeObject>(
    type: ResourceType,
    object: T,
    options: CallOptions & {fieldManager: string},
  ): Promise<T> {
    return this.#write({verb: 'apply', type, object, manager: options.fieldManager}, options);
  }

  mergePatch<T extends KubeObject>(
    type: ResourceType,
    key: ObjectKey,
    patch: Record<string, unknown>,
    options: CallOptions & {subresource?: 'status'} = {},
  ): Promise<T> {
    return this.#write({verb: 'merge', type, key, patch, status: options.subresource === 'status'}, options);
  }

  jsonPatch<T extends KubeObject>(
    type: ResourceType,
    key: ObjectKey,
    patch: readonly {op: string; path: string; value?: unknown}[],
    options: CallOptions = {},
  ): Promise<T> {
    return this.#write({verb: 'json', type, key, patch}, options);
  }

  replace<T extends KubeObject>(type: ResourceType, object: T, options: CallOptions = {}): Promise<T> {
    return this.#write({verb: 'replace', type, object}, options);
  }

  async delete(
    type: ResourceType,
    key: ObjectKey,
    options: CallOptions & {uid?: string} = {},
  ): Promise<void> {
    try {
      await this.#write({verb: 'delete', type, key, uid: options.uid}, options);
    } catch (error) {
      if (!(error instanceof ApiError && error.status === 404)) throw error;
    }
  }

  podLogs(): Promise<string> {
    return Promise.resolve('');
  }

  async *pages<T extends KubeObject, K = T>(
    type: ResourceType,
    options: PagesOptions<T, K>,
  ): AsyncGenerator<Page<K>, void, undefined> {
    const {items, version} = await this.#call(`list ${type.plural}`, type, options, () => {
      const log = this.#api.log;
      const back = this.#strikes('staleList') ? this.#random.below(8) : 0;
      const upTo = Math.max(this.#api.compacted, this.#api.version - back);
      const objects = new Map(this.#api.list(type.plural).map((each) => [keyOf(each), each]));
      for (let index = log.length - 1; index >= 0; index--) {
        const entry = log[index];
        if (entry === undefined || entry.version <= upTo) break;
        if (entry.plural !== type.plural) continue;
        const key = keyOf((entry.after ?? entry.before) as KubeObject);
        if (entry.before === undefined) objects.delete(key);
        else objects.set(key, entry.before);
      }
      return {items: [...objects.values()].filter((each) => selects(options, each)), version: upTo};
    });
    yield {
      first: true,
      resourceVersion: String(version),
      items: items.map((each) => {
        const object = shown(each, options) as T;
        return options.keep === undefined ? (object as unknown as K) : options.keep(object);
      }),
    };
  }

  async *watch<T extends KubeObject>(
    type: ResourceType,
    options: Selection & {
      resourceVersion: string;
      signal?: AbortSignal;
      timeoutSeconds?: number;
      silenceMs?: number;
      onOpen?: () => void;
    },
  ): AsyncGenerator<WatchEvent<T>, void, undefined> {
    const {signal, timeoutSeconds = 300, silenceMs = 330_000} = options;
    let version = Number(options.resourceVersion);
    await this.#call(`watch ${type.plural}`, type, options, () => {
      if (version < this.#api.compacted || this.#strikes('expired'))
        throw new ApiError(410, 'Expired', `watch ${type.plural}: 410 Expired: too old resource version`);
    });
    options.onOpen?.();
    const startedAt = this.#clock.monotonic();
    const stream: Stream = {cut: false, mute: false, wake: () => undefined};
    let heardAt = startedAt;
    this.#streams.add(stream);
    try {
      let index = this.#api.log.findIndex((entry) => entry.version > version);
      if (index < 0) index = this.#api.log.length;
      for (;;) {
        if (signal?.aborted === true) throw aborted(`watch ${type.plural}`);
        if (stream.cut) throw reset(`watch ${type.plural}`);
        const now = this.#clock.monotonic();
        if (stream.mute) {
          if (now - heardAt >= silenceMs)
            throw new ApiError(0, 'WatchStalled', `watch ${type.plural}: WatchStalled: ${silenceMs} ms`);
          await this.#news(stream, index, heardAt + silenceMs, signal);
          continue;
        }
        if (now - startedAt >= timeoutSeconds * 1000) return;
        const entry = this.#api.log[index];
        if (entry !== undefined) {
          index++;
          const event = this.#event(type, entry, index, options);
          if (event === undefined || this.#strikes('dropped')) continue;
          const lagMs = this.faults.lagMs > 0 ? this.#random.between(0, this.faults.lagMs) : 1;
          if (lagMs > 1) this.#tally.add('lagMs');
          await this.#pause(lagMs, signal);
          if (this.#strikes('cut')) stream.cut = true;
          if (stream.cut || this.#strikes('halfOpen')) {
            stream.mute = !stream.cut;
            continue;
          }
          heardAt = this.#clock.monotonic();
          version = entry.version;
          yield {type: event.type, object: shown(event.object, options) as T};
          continue;
        }
        if (now - heardAt >= BOOKMARK_MS) {
          heardAt = now;
          version = this.#api.log[index - 1]?.version ?? version;
          yield {type: 'BOOKMARK', resourceVersion: String(version)};
          continue;
        }
        const until = Math.min(startedAt + timeoutSeconds * 1000, heardAt + BOOKMARK_MS);
        await this.#news(stream, index, until, signal);
      }
    } finally {
      this.#streams.delete(stream);
    }
  }

  /** Waits until there is something to look at: an entry in the log, the time `untilMs`, the end. */
  #news(stream: Stream, index: number, untilMs: number, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve) => {
      if (this.#dead) return;
      const done = (): void => {
        timer.cancel();
        forget();
        stream.wake = () => undefined;
        signal?.removeEventListener('abort', done);
        if (!this.#dead) resolve();
      };
      const timer = this.#clock.setTimeout(done, Math.max(1, untilMs - this.#clock.monotonic()));
      const forget = this.#api.onEntry(() => {
        if (!stream.mute) this.#clock.deliver(done, 1);
      });
      stream.wake = done;
      signal?.addEventListener('abort', done, {once: true});
      if (signal?.aborted === true || stream.cut || (!stream.mute && this.#api.log.length > index)) done();
    });
  }

  #event(
    type: ResourceType,
    entry: Entry,
    next: number,
    options: Selection,
  ): {type: 'ADDED' | 'MODIFIED' | 'DELETED'; object: KubeObject} | undefined {
    if (entry.plural !== type.plural) return undefined;
    const was = entry.before !== undefined && selects(options, entry.before);
    const is = entry.after !== undefined && selects(options, entry.after);
    if (!was && !is) return undefined;
    if (was && is && this.faults.coalesced > 0) {
      // A later change of the same object is there already: the one between may be left out.
      const later = this.#api.log
        .slice(next)
        .some((each) => each.before !== undefined && each.before === entry.after && each.after !== undefined);
      if (later && this.#strikes('coalesced')) return undefined;
    }
    if (is) return {type: was ? 'MODIFIED' : 'ADDED', object: entry.after};
    const gone = entry.before as KubeObject;
    return {
      type: 'DELETED',
      object: {...gone, metadata: {...gone.metadata, resourceVersion: String(entry.version)}},
    };
  }

  async #write<T extends KubeObject>(change: Change, options: CallOptions): Promise<T> {
    const {dryRun = false} = options;
    const lease = change.type.plural === 'leases';
    const quiet = dryRun || lease || change.type.plural === 'events';
    const name = 'key' in change ? change.key : change.object.metadata;
    return this.#call(
      `${change.verb} ${change.type.plural} ${keyOf(name)}`,
      change.type,
      {...options, namespace: name.namespace},
      () => {
        if (!quiet && change.verb !== 'create' && this.#strikes('conflict'))
          throw new ApiError(409, 'Conflict', `${change.verb} ${change.type.plural}: 409 Conflict: modified`);
        if (!quiet) this.beforeWrite();
        if (lease) this.beforeLease();
        if (this.#dead) throw reset('dead');
        const written = this.#api.write(this.#name, structuredClone(change), dryRun) as T;
        if (!quiet) this.afterWrite();
        if (lease) this.afterLease();
        return written;
      },
    );
  }

  /** A call: it arrives after a moment, is answered after another, and in between much may happen. */
  async #call<R>(call: string, type: ResourceType, options: CallOptions, work: () => R): Promise<R> {
    const {signal, timeoutMs = 30_000, namespace} = options;
    await this.#pause(this.#random.between(1, 10), signal, 'sent');
    const onLease = type.plural === 'leases';
    if (namespace !== undefined && this.forbidden.has(namespace) && !onLease)
      throw new ApiError(403, 'Forbidden', `${call}: 403 Forbidden: cannot do that in ${namespace}`);
    if (this.outage) {
      if (this.#random.chance(0.3)) return this.#unanswered(call, timeoutMs, signal);
      throw new ApiError(0, 'ConnectionRefused', `${call}: ConnectionRefused`);
    }
    if (onLease && this.leaseBlocked) throw new ApiError(503, 'ServiceUnavailable', `${call}: 503`);
    const instead = this.instead(call);
    if (instead === 'silence') return this.#unanswered(call, timeoutMs, signal);
    if (instead !== undefined) throw instead;
    if (this.#strikes('tooManyRequests'))
      throw new ApiError(429, 'TooManyRequests', `${call}: 429`, {
        retryAfterMs: 1000 * (1 + this.#random.below(3)),
      });
    if (this.#strikes('serverError')) {
      const status = this.#random.pick([500, 502, 503, 504]);
      throw new ApiError(status, 'InternalError', `${call}: ${status}`);
    }
    if (this.#strikes('reset')) throw reset(call);
    const answer = structuredClone(work());
    if (this.#strikes('answerLost')) throw reset(call);
    if (this.#strikes('unanswered')) return this.#unanswered(call, timeoutMs, signal);
    await this.#pause(this.#random.between(1, 10), signal);
    return answer;
  }

  async #unanswered(call: string, timeoutMs: number, signal: AbortSignal | undefined): Promise<never> {
    await this.#pause(timeoutMs, signal);
    throw new ApiError(0, 'Timeout', `${call}: Timeout: no answer within ${timeoutMs} ms`);
  }

  #strikes(fault: keyof Faults): boolean {
    const share = this.faults[fault];
    if (share <= 0 || !this.#random.chance(share)) return false;
    this.#tally.add(fault);
    return true;
  }

  #pause(ms: number, signal: AbortSignal | undefined, way: 'sent' | 'deliver' = 'deliver'): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#dead) return;
      const abort = (): void => {
        timer.cancel();
        reject(aborted('call'));
      };
      const timer = this.#clock[way](() => {
        signal?.removeEventListener('abort', abort);
        if (!this.#dead) resolve();
      }, ms);
      if (signal?.aborted === true) abort();
      else signal?.addEventListener('abort', abort, {once: true});
    });
  }
}

function selects({namespace, labelSelector}: Selection, {metadata}: KubeObject): boolean {
  if (namespace !== undefined && metadata.namespace !== namespace) return false;
  return (labelSelector ?? '')
    .split(',')
    .filter((each) => each !== '')
    .every((each) => {
      const [name = '', value] = each.split('=');
      return metadata.labels?.[name] === value;
    });
}

function shown(object: KubeObject, {metadataOnly}: Selection): KubeObject {
  const {apiVersion, kind, metadata} = object;
  return structuredClone(metadataOnly === true ? {apiVersion, kind, metadata} : object);
}

function reset(call: string): ApiError {
  return new ApiError(0, 'ConnectionReset', `${call}: ConnectionReset`);
}

function aborted(call: string): ApiError {
  return new ApiError(0, 'Aborted', `${call}: Aborted by the caller`);
}
