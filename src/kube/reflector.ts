import {sleep, systemClock, type Clock} from '../support/clock.ts';
import type {Logger} from '../support/logging.ts';
import type {KubeClient, Selection} from './client.ts';
import {isApiError} from './errors.ts';
import {Mirror, type Change, type Sight} from './mirror.ts';
import {keyOf, type KubeObject, type ResourceType} from './objects.ts';
import {Pulse} from './pulse.ts';
import type {Store} from './store.ts';

export interface ReflectorOptions<T> extends Selection {
  /**
   * What to keep of an object, so that memory holds no more than is read; by default all but what {@link bare} leaves
   * out. Undefined keeps nothing of it.
   */
  transform?: ((object: T) => T | undefined) | undefined;
  clock?: Clock | undefined;
  random?: (() => number) | undefined;
  logger?: Pick<Logger, 'debug' | 'warn' | 'error'> | undefined;
  /** Everything is listed anew after this long, should a change ever have been missed; default 30 min. */
  relistMs?: number | undefined;
  /** How long the server is asked to keep a watch open; default 240 to 360 s, by chance. */
  watchSeconds?: number | undefined;
  /** Silence on a watch after which it is taken for half-open; bookmarks come about once a minute. Default 120 s. */
  silenceMs?: number | undefined;
  /** Objects a page; default 500. */
  pageSize?: number | undefined;
  /**
   * The first list may be what the API server has in memory, a little behind perhaps, as what a watch shows may be: for
   * objects that are read live before anything is written to them. It costs the server a third.
   */
  fromCache?: boolean | undefined;
  /** Told when the server begins to refuse this type here, with its words; and with undefined when it does no longer. */
  onBlocked?: ((reason: string | undefined) => void) | undefined;
}

/** What the reflector needs of a client. */
export type ReflectorPort = Pick<KubeClient, 'pages' | 'watch'>;

const BACKOFF = {baseMs: 200, maxMs: 5000};
/** What may not be seen, or is not there, rarely changes within seconds. */
const BLOCKED_MS = 20_000;
const REFUSED: ReadonlySet<number> = new Set([400, 404, 504]);
/** Whoever doubts a watch is heard this often at most. */
const DOUBT_MS = 30_000;
/** A watch that lasted this long was a good one: the back-off starts over. */
const GOOD_WATCH_MS = 10_000;

/**
 * Keeps a store in step with what the API server has of one type: lists in pages, then watches from there with
 * bookmarks; goes on where it was when a watch ends, lists anew when the server has forgotten that place, and tries
 * for ever, with back-off, when there is no server. After kube-rs' watcher.
 */
export class Reflector<T extends KubeObject> {
  readonly pulse: Pulse;
  readonly #client: ReflectorPort;
  readonly #type: ResourceType;
  readonly #options: ReflectorOptions<T>;
  readonly #clock: Clock;
  readonly #random: () => number;
  readonly #mirror: Mirror<T>;
  readonly #stop = new AbortController();
  readonly #firstSync = Promise.withResolvers<void>();
  #running: Promise<void> | undefined;
  #synced = false;
  /** Where a watch goes on; undefined when everything has to be listed. */
  #version: string | undefined;
  /** When the last whole list began. */
  #listedAt = -Infinity;
  #failures = 0;
  /** Ends the present watch, to list anew. */
  #turn = new AbortController();

  constructor(client: ReflectorPort, type: ResourceType, options: ReflectorOptions<T> = {}) {
    this.#client = client;
    this.#type = type;
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#random = options.random ?? Math.random;
    this.pulse = new Pulse(this.#clock, options.onBlocked);
    this.#mirror = new Mirror({
      transform: options.transform,
      onError: (error, key) => options.logger?.error({err: error, key}, `a handler of ${type.plural} threw`),
    });
    // Nobody has to wait for the first sync.
    this.#firstSync.promise.catch(() => undefined);
  }

  get store(): Store<T> {
    return this.#mirror.store;
  }

  start(): void {
    this.#running ??= this.#run();
  }

  /** Ends the watch; resolves when nothing runs any more. */
  async stop(): Promise<void> {
    this.#stop.abort(new Error(`the watch of ${this.#type.plural} was stopped`));
    this.#turn.abort(this.#stop.signal.reason);
    this.#firstSync.reject(this.#stop.signal.reason);
    await this.#running;
  }

  /** Whether the store has held everything once. */
  hasSynced(): boolean {
    return this.#synced;
  }

  /** Resolves when the store holds everything; rejects when the reflector is stopped before that. */
  synced(): Promise<void> {
    return this.#firstSync.promise;
  }

  /** Calls `fn` after the store has changed. What it throws is logged and does no harm. */
  onChange(fn: (change: Change<T>) => void): void {
    this.#mirror.onChange(fn);
  }

  /**
   * How many milliseconds ago the server last gave a sign of life: a watch that it opened or ended, an event, a bookmark,
   * a page, or the word that there is nothing to see here.
   */
  lastActivityMs(): number {
    return this.pulse.silentMs();
  }

  /** Whether the store holds all that there was at that time of the monotonic clock. */
  listedSince(time: number): boolean {
    return this.#listedAt > time;
  }

  /** The watch may have missed something: everything is listed anew, at once where that was not done just now. */
  doubt(): void {
    if (!this.#synced || this.#clock.monotonic() - this.#listedAt < DOUBT_MS) return;
    this.#turn.abort(new Error(`the watch of ${this.#type.plural} may have missed something`));
  }

  /** Where a watch would go on from; undefined before the first list. */
  get resourceVersion(): string | undefined {
    return this.#version;
  }

  async #run(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      const startedAt = this.#clock.monotonic();
      let failure: unknown;
      if (this.#turn.signal.aborted) {
        this.#turn = new AbortController();
        this.#version = undefined;
      }
      try {
        if (this.#version === undefined) await this.#list();
        await this.#watch(this.#version ?? '');
      } catch (error) {
        failure = error;
      }
      if (this.#stop.signal.aborted) return;
      if (this.#turn.signal.aborted) failure = undefined;
      const good = this.#clock.monotonic() - startedAt >= GOOD_WATCH_MS;
      this.#failures = good ? 0 : this.#failures + 1;
      if (failure !== undefined) this.#note(failure);
      if (!good || failure !== undefined) await this.#backOff(failure);
    }
  }

  async #list(): Promise<void> {
    const {namespace, labelSelector, metadataOnly, pageSize} = this.#options;
    const selection = {namespace, labelSelector, metadataOnly};
    const beganAt = this.#clock.monotonic();
    let seen = new Set<string>();
    let version = '';
    const pages = this.#client.pages<T, Sight<T>>(this.#type, {
      ...selection,
      limit: pageSize,
      fromCache: this.#options.fromCache === true && !this.#synced,
      keep: (object) => this.#mirror.sight(object),
      signal: this.#stop.signal,
    });
    for await (const page of pages) {
      this.pulse.beat();
      if (page.first) seen = new Set();
      version = page.resourceVersion;
      for (const sight of page.items) {
        seen.add(sight.key);
        this.#mirror.show(sight);
      }
    }
    for (const key of this.store.keys()) if (!seen.has(key)) this.#mirror.remove(key);
    this.#version = version;
    this.#listedAt = beganAt;
    if (!this.#synced) {
      this.#synced = true;
      this.#firstSync.resolve();
    }
  }

  async #watch(from: string): Promise<void> {
    const {namespace, labelSelector, metadataOnly, silenceMs = 120_000} = this.#options;
    const events = this.#client.watch<T>(this.#type, {
      namespace,
      labelSelector,
      metadataOnly,
      resourceVersion: from,
      timeoutSeconds: this.#options.watchSeconds ?? Math.round(240 + this.#random() * 120),
      silenceMs,
      signal: this.#turn.signal,
      clock: this.#clock,
      onOpen: () => this.pulse.opened(),
    });
    for await (const event of events) {
      this.pulse.beat();
      switch (event.type) {
        case 'BOOKMARK':
          this.#version = event.resourceVersion;
          break;
        case 'ADDED':
        case 'MODIFIED':
          this.#version = event.object.metadata.resourceVersion;
          this.#mirror.show(this.#mirror.sight(event.object));
          break;
        case 'DELETED':
          this.#version = event.object.metadata.resourceVersion;
          this.#mirror.remove(keyOf(event.object), event.object);
          break;
        default:
          event satisfies never;
      }
    }
    this.pulse.beat();
    const relistMs = this.#options.relistMs ?? 1_800_000;
    if (this.#clock.monotonic() - this.#listedAt >= relistMs) this.#version = undefined;
  }

  #note(failure: unknown): void {
    if (isApiError(failure, 410)) {
      this.#version = undefined;
      this.#options.logger?.debug({plural: this.#type.plural}, 'the watch fell behind: listing anew');
      return;
    }
    const message = failure instanceof Error ? failure.message : String(failure);
    // That something may not be seen is said once, not at every try.
    this.#options.logger?.[this.pulse.failed(failure) ? 'debug' : 'warn'](
      {plural: this.#type.plural, failures: this.#failures, reason: message},
      'watch failed',
    );
    // The server refuses this version (an etcd restored from a backup is behind it), or the fault is ours.
    if (!isApiError(failure) || REFUSED.has(failure.status)) this.#version = undefined;
  }

  /** Full jitter: anything between nothing and the ceiling, so that many watches do not come back together. */
  async #backOff(failure: unknown): Promise<void> {
    const ceiling = Math.min(
      this.pulse.isBlocked() ? BLOCKED_MS : BACKOFF.maxMs,
      BACKOFF.baseMs * 2 ** Math.min(this.#failures, 20),
    );
    // A server that is overloaded says how long to stay away.
    const askedMs = isApiError(failure) ? Math.min(failure.retryAfterMs ?? 0, 60_000) : 0;
    try {
      await sleep(this.#clock, askedMs + this.#random() * ceiling, this.#stop.signal);
    } catch (error) {
      if (!this.#stop.signal.aborted) throw error;
    }
  }
}
