import type {Clock} from '../../support/clock.ts';
import {Limiter} from './limiter.ts';

/** How often something may happen: `limit` times at once, and from then on evenly `limit` times a period. */
export interface Rate {
  readonly name: string;
  readonly limit: number;
  readonly periodMs: number;
}

/** Where uses are counted. Every answer is in whole seconds until the key may pass, at least 1; 0 where it may now. */
export interface Counters {
  /** Counts a use where it may pass. */
  take(rate: Rate, key: string): Promise<number>;
  /** Counts nothing. */
  wait(rate: Rate, key: string): Promise<number>;
  /** Counts a use, allowed or not; the answer is for the next. */
  count(rate: Rate, key: string): Promise<number>;
  /** For so many seconds the key may not pass. */
  block(key: string, seconds: number): Promise<void>;
  blocked(key: string): Promise<number>;
}

const MAX_BLOCKED = 50_000;

/** Counts in this process. */
export class LocalCounters implements Counters {
  readonly #clock: Clock;
  readonly #limiters = new Map<string, {readonly rate: Rate; readonly limiter: Limiter}>();
  /** Monotonic milliseconds until which a key is blocked. */
  readonly #blocked = new Map<string, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  async take(rate: Rate, key: string): Promise<number> {
    const limiter = this.#of(rate);
    const wait = limiter.wait(key);
    if (wait === 0) limiter.count(key);
    return wait;
  }

  async wait(rate: Rate, key: string): Promise<number> {
    return this.#of(rate).wait(key);
  }

  async count(rate: Rate, key: string): Promise<number> {
    const limiter = this.#of(rate);
    limiter.count(key);
    return limiter.wait(key);
  }

  async block(key: string, seconds: number): Promise<void> {
    const now = this.#clock.monotonic();
    this.#blocked.set(key, now + seconds * 1000);
    if (this.#blocked.size <= MAX_BLOCKED) return;
    for (const [other, until] of this.#blocked) {
      if (until > now && this.#blocked.size <= MAX_BLOCKED) return;
      this.#blocked.delete(other);
    }
  }

  async blocked(key: string): Promise<number> {
    const until = this.#blocked.get(key);
    if (until === undefined) return 0;
    const wait = until - this.#clock.monotonic();
    if (wait > 0) return Math.max(1, Math.ceil(wait / 1000));
    this.#blocked.delete(key);
    return 0;
  }

  /** Where the numbers of a rate were changed, its count begins anew. */
  #of(rate: Rate): Limiter {
    const {name, limit, periodMs} = rate;
    const known = this.#limiters.get(name);
    if (known && known.rate.limit === limit && known.rate.periodMs === periodMs) return known.limiter;
    const limiter = new Limiter(limit, periodMs, this.#clock);
    this.#limiters.set(name, {rate, limiter});
    return limiter;
  }
}
