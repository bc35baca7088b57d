import {
  ApiError,
  type KubeClient,
  type Page,
  type PagesOptions,
  type WatchEvent,
} from '../../../src/kube/client.ts';
import {keyOf, type KubeObject, type ObjectKey, type ResourceType} from '../../../src/kube/objects.ts';
import type {Change, SimulatedApi} from './api.ts';
import type {Tally} from './faults.ts';
import type {Random} from './random.ts';
import type {ProcessClock} from './time.ts';
import {Line, reset, type CallOptions} from './line.ts';
import {selects, shown} from './selection.ts';
import {Watches, type WatchOptions} from './watches.ts';

/** One process's client. A process that was killed gets no answer any more, and none of its calls arrives. */
export class SimulatedClient {
  /** Called around each write but of leases and events; what it throws never arrives at the server. */
  beforeWrite: () => void = () => undefined;
  afterWrite: () => void = () => undefined;
  /** The same of leases. */
  beforeLease: () => void = () => undefined;
  afterLease: () => void = () => undefined;
  readonly line: Line;
  readonly #api: SimulatedApi;
  readonly #watches: Watches;
  readonly #random: Random;
  readonly #name: string;

  constructor(name: string, api: SimulatedApi, parts: {clock: ProcessClock; random: Random; tally: Tally}) {
    this.#name = name;
    this.#api = api;
    this.#random = parts.random;
    this.line = new Line(parts);
    this.#watches = new Watches(api, this.line, parts);
  }

  /** For what takes the real client: all of it that an operator uses is here. */
  get asKubeClient(): KubeClient {
    return this as unknown as KubeClient;
  }

  kill(): void {
    this.line.kill();
  }

  /** Breaks all connections. */
  cut(): void {
    this.#watches.cut();
  }

  get<T extends KubeObject>(
    type: ResourceType,
    key: ObjectKey,
    options: CallOptions = {},
  ): Promise<T | undefined> {
    return this.line.call(
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
    const {items, version} = await this.line.call(`list ${type.plural}`, type, options, () => {
      const log = this.#api.log;
      const back = this.line.strikes('staleList') ? this.#random.below(8) : 0;
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

  watch<T extends KubeObject>(
    type: ResourceType,
    options: WatchOptions,
  ): AsyncGenerator<WatchEvent<T>, void, undefined> {
    return this.#watches.watch(type, options);
  }

  async #write<T extends KubeObject>(change: Change, options: CallOptions): Promise<T> {
    const {dryRun = false} = options;
    const lease = change.type.plural === 'leases';
    const quiet = dryRun || lease || change.type.plural === 'events';
    const name = 'key' in change ? change.key : change.object.metadata;
    return this.line.call(
      `${change.verb} ${change.type.plural} ${keyOf(name)}`,
      change.type,
      {...options, namespace: name.namespace},
      () => {
        if (!quiet && change.verb !== 'create' && this.line.strikes('conflict'))
          throw new ApiError(409, 'Conflict', `${change.verb} ${change.type.plural}: 409 Conflict: modified`);
        if (!quiet) this.beforeWrite();
        if (lease) this.beforeLease();
        if (this.line.dead) throw reset('dead');
        const written = this.#api.write(this.#name, structuredClone(change), dryRun) as T;
        if (!quiet) this.afterWrite();
        if (lease) this.afterLease();
        return written;
      },
    );
  }
}
