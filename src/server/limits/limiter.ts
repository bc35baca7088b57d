import type {Clock} from '../../support/clock.ts';

/**
 * Lets each key pass `limit` times at once, and from then on evenly `limit` times a period: the generic cell rate
 * algorithm, which keeps one number a key. Memory is bounded: of more than `maxKeys` the one seen longest ago is
 * forgotten, which is to its favour.
 */
export class Limiter {
  readonly #stepMs: number;
  readonly #burstMs: number;
  readonly #clock: Clock;
  readonly #maxKeys: number;
  /** When a key that was used evenly would be at its limit no more; in the order of last use. */
  readonly #due = new Map<string, number>();

  constructor(limit: number, periodMs: number, clock: Clock, maxKeys = 50_000) {
    this.#stepMs = periodMs / limit;
    this.#burstMs = periodMs;
    this.#clock = clock;
    this.#maxKeys = maxKeys;
  }

  get size(): number {
    return this.#due.size;
  }

  /** Seconds until the key may pass, at least 1; 0 where it may now. Does not count. */
  wait(key: string): number {
    const now = this.#clock.monotonic();
    const due = Math.max(this.#due.get(key) ?? 0, now);
    const excess = due + this.#stepMs - now - this.#burstMs;
    // Sums of fractions of milliseconds are not exact.
    return excess <= 0.001 ? 0 : Math.max(1, Math.ceil(excess / 1000));
  }

  /** Counts one use of the key. */
  count(key: string): void {
    const now = this.#clock.monotonic();
    const due = Math.max(this.#due.get(key) ?? 0, now) + this.#stepMs;
    this.#due.delete(key);
    this.#due.set(key, due);
    if (this.#due.size > this.#maxKeys) this.#forget(now);
  }

  /** Those at the front that are at rest, or else the first. */
  #forget(now: number): void {
    for (const [key, due] of this.#due) {
      if (due > now && this.#due.size <= this.#maxKeys) return;
      this.#due.delete(key);
    }
  }
}
