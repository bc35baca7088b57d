import type {Clock, Timer} from '../support/clock.ts';
import type {QueueMetrics} from './metrics.ts';
import type {Priority} from './priority.ts';
import {Slowness, type MayHave} from './slowness.ts';

/** What a handler may ask for: to be called again for this key after a while, whatever happens in between. */
export interface HandlerResult {
  requeueAfterMs?: number | undefined;
  /** It did not go well: the key backs off as if the handler had thrown, or longer, where `requeueAfterMs` is longer. */
  failed?: boolean | undefined;
}

/** Does the work of one key. The signal aborts when the queue is shut down. */
export type Handler = (key: string, signal: AbortSignal, priority: Priority) => Promise<HandlerResult | void>;

export interface WorkQueueOptions {
  clock: Clock;
  /** How many keys are handled at once. */
  concurrency: number;
  /**
   * So many of them are kept for keys of normal priority, which so need not wait for a crowd to end; low has one in any
   * case. Default 0.
   */
  reserved?: number | undefined;
  /** A key that failed n times in a row waits about baseMs · 2^(n-1), at most maxMs. */
  backoff: {baseMs: number; maxMs: number};
  /**
   * What happens to a key that is failing may be the fault's own echo, so an `add` does not break its back-off at once:
   * it brings the next try forward to this long after the last. Default 1 s.
   */
  failingGapMs?: number;
  /**
   * Keys that fail or are slow leave workers for the others; those that this puts into one group are suspected together.
   * Up to twice as many keys are handled at once then, where half of them are held up. Left out: all keys are alike.
   */
  groupOf?: ((key: string) => string) | undefined;
  metrics?: QueueMetrics | undefined;
  random?: (() => number) | undefined;
  /** Told of what a handler threw. */
  onError?: ((key: string, error: unknown, retryInMs: number) => void) | undefined;
}

/** A timer takes no more: what is asked for beyond comes a little early. */
const MAX_DELAY_MS = 2 ** 31 - 1;
/** Of so many keys taken in a row at least one is of low priority, when such wait. */
const LOW_SHARE = 8;

interface Delay {
  dueAt: number;
  priority: Priority;
  timer: Timer;
}

/**
 * A queue of keys with the guarantees of client-go's: a key waits at most once however often it is added, is never
 * handled twice at once, and an add during its handling has it handled again. First come, first served; keys of low
 * priority (a first sight of everything, say) let the others pass, but are never starved.
 */
export class WorkQueue {
  readonly #options: WorkQueueOptions;
  readonly #random: () => number;
  readonly #waiting: Record<Priority, Map<string, number>> = {normal: new Map(), low: new Map()};
  readonly #running = new Map<string, Priority>();
  /** Added while running: to be handled again. */
  readonly #dirty = new Map<string, Priority>();
  readonly #delayed = new Map<string, Delay>();
  readonly #failures = new Map<string, {count: number; lastAt: number}>();
  readonly #stop = new AbortController();
  #handler: Handler | undefined;
  readonly #slowness: Slowness | undefined;
  /** Workers that keys of low priority may have at once. */
  readonly #mostLow: number;
  #taken = 0;
  #lookingAgain = false;
  #idle: (() => void) | undefined;

  constructor(options: WorkQueueOptions) {
    this.#options = options;
    this.#random = options.random ?? Math.random;
    const {clock, concurrency: workers, reserved = 0, groupOf} = options;
    const mostLow = Math.max(1, workers - reserved);
    this.#mostLow = mostLow;
    this.#slowness =
      groupOf &&
      new Slowness({clock, workers, mostLow, groupOf, isFailing: (key) => this.#failures.has(key)});
  }

  /** Keys that wait to be taken; those with a delay ahead of them are not counted. */
  get depth(): number {
    return this.#waiting.normal.size + this.#waiting.low.size;
  }

  /** Keys that wait, are delayed or are being handled. */
  get pending(): number {
    return this.depth + this.#delayed.size + this.#running.size;
  }

  /** How often in a row the key has failed. */
  failures(key: string): number {
    return this.#failures.get(key)?.count ?? 0;
  }

  add(key: string, priority: Priority = 'normal'): void {
    const failing = this.#failures.get(key);
    if (failing !== undefined && !this.#running.has(key)) {
      const gapMs = this.#options.failingGapMs ?? 1000;
      const waitMs = failing.lastAt + gapMs - this.#options.clock.monotonic();
      if (waitMs > 0) {
        this.#delay(key, waitMs, priority);
        return;
      }
    }
    this.#enqueue(key, priority);
  }

  /** Adds the key after `ms`. Of several delays of one key the shortest counts. */
  addAfter(key: string, ms: number): void {
    if (ms <= 0) this.add(key);
    else this.#delay(key, ms, 'normal');
  }

  /** Handles keys until `shutdown`; resolves when the last handler has returned. To be called once. */
  run(handler: Handler): Promise<void> {
    if (this.#handler !== undefined) throw new TypeError('the work queue is running already');
    this.#handler = handler;
    return new Promise((resolve) => {
      this.#idle = resolve;
      this.#pump();
    });
  }

  /** Takes no more keys, aborts the handlers' signal and resolves when they have returned. */
  async shutdown(): Promise<void> {
    if (!this.#stop.signal.aborted) {
      this.#stop.abort(new Error('the work queue is shutting down'));
      for (const {timer} of this.#delayed.values()) timer.cancel();
      this.#delayed.clear();
      this.#waiting.normal.clear();
      this.#waiting.low.clear();
      this.#dirty.clear();
    }
    if (this.#running.size > 0) {
      await new Promise<void>((resolve) => {
        const previous = this.#idle;
        this.#idle = () => {
          previous?.();
          resolve();
        };
      });
    } else this.#idle?.();
  }

  #enqueue(key: string, priority: Priority): void {
    if (this.#stop.signal.aborted) return;
    const delayed = this.#delayed.get(key);
    delayed?.timer.cancel();
    this.#delayed.delete(key);
    if (this.#running.has(key)) {
      if (this.#dirty.get(key) !== 'normal') this.#dirty.set(key, priority);
      return;
    }
    if (this.#waiting.normal.has(key)) return;
    const since = this.#waiting.low.get(key);
    if (since !== undefined && priority === 'low') return;
    this.#waiting.low.delete(key);
    this.#waiting[priority].set(key, since ?? this.#options.clock.monotonic());
    if (since === undefined) this.#options.metrics?.added();
    this.#options.metrics?.depth(this.depth);
    this.#pump();
  }

  #delay(key: string, ms: number, priority: Priority): void {
    if (this.#stop.signal.aborted) return;
    const dueAt = this.#options.clock.monotonic() + ms;
    const known = this.#delayed.get(key);
    if (known !== undefined && known.dueAt <= dueAt) return;
    known?.timer.cancel();
    const timer = this.#options.clock.setTimeout(
      () => {
        this.#delayed.delete(key);
        this.#enqueue(key, priority);
      },
      Math.min(ms, MAX_DELAY_MS),
    );
    this.#delayed.set(key, {dueAt, priority, timer});
  }

  #pump(): void {
    while (this.#handler !== undefined && !this.#stop.signal.aborted && this.depth > 0) {
      const may = this.#free();
      const key = may && this.#take(may);
      if (key === undefined) break;
      void this.#work(key, this.#handler);
    }
    this.#lookAgain();
  }

  /** Which keys a worker is free for; undefined where none is. */
  #free(): MayHave | undefined {
    if (this.#slowness !== undefined) return this.#slowness.look();
    if (this.#running.size >= this.#options.concurrency) return undefined;
    const low = [...this.#running.values()].filter((priority) => priority === 'low').length;
    return (_, priority) => priority !== 'low' || low < this.#mostLow;
  }

  /** Whoever holds a worker up makes room for others after a while, though nothing ends. */
  #lookAgain(): void {
    const ms = this.depth > 0 && !this.#lookingAgain ? this.#slowness?.nextMs() : undefined;
    if (ms === undefined || this.#stop.signal.aborted) return;
    this.#lookingAgain = true;
    this.#options.clock.setTimeout(() => {
      this.#lookingAgain = false;
      this.#pump();
    }, ms);
  }

  #take(may: MayHave): string | undefined {
    const {normal, low} = this.#waiting;
    const lowFirst = normal.size === 0 || (low.size > 0 && (this.#taken + 1) % LOW_SHARE === 0);
    for (const priority of lowFirst ? (['low', 'normal'] as const) : (['normal', 'low'] as const)) {
      const waiting = this.#waiting[priority];
      for (const [key, since] of waiting) {
        if (!may(key, priority)) continue;
        this.#taken++;
        waiting.delete(key);
        this.#running.set(key, priority);
        this.#slowness?.begin(key, priority);
        const {clock, metrics} = this.#options;
        metrics?.waited((clock.monotonic() - since) / 1000);
        metrics?.depth(this.depth);
        return key;
      }
    }
    return undefined;
  }

  /** Never rejects. */
  async #work(key: string, handler: Handler): Promise<void> {
    const {clock, metrics} = this.#options;
    const startedAt = clock.monotonic();
    let delayMs: number | undefined;
    try {
      const result = await handler(key, this.#stop.signal, this.#running.get(key) ?? 'normal');
      delayMs = result?.requeueAfterMs;
      if (result?.failed !== true) this.#failures.delete(key);
      // Many that are told to come back at the same time do not.
      else delayMs = Math.max(this.#failed(key), (delayMs ?? 0) * (1 + this.#random() / 4));
    } catch (error) {
      delayMs = this.#failed(key);
      this.#options.onError?.(key, error, delayMs);
    }
    this.#slowness?.end(key);
    metrics?.worked((clock.monotonic() - startedAt) / 1000);
    // What was of low priority stays so when it comes back by itself.
    const priority = this.#running.get(key) ?? 'normal';
    this.#running.delete(key);
    const dirty = this.#dirty.get(key);
    this.#dirty.delete(key);
    if (delayMs !== undefined) this.#delay(key, Math.max(0, delayMs), priority);
    if (dirty !== undefined) this.add(key, dirty);
    if (this.#stop.signal.aborted && this.#running.size === 0) this.#idle?.();
    this.#pump();
  }

  #failed(key: string): number {
    const {baseMs, maxMs} = this.#options.backoff;
    const count = this.failures(key) + 1;
    this.#failures.set(key, {count, lastAt: this.#options.clock.monotonic()});
    this.#options.metrics?.retried();
    const ceiling = Math.min(maxMs, baseMs * 2 ** Math.min(count - 1, 30));
    return ceiling * (0.5 + this.#random() / 2);
  }
}
