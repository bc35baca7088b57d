import type {Clock, Timer} from '../../../src/support/clock.ts';

/** A clock that stands still until it is told how far to go. */
export class FakeClock implements Clock {
  #now = Date.parse('2026-11-23T12:00:00Z');
  #timers: {at: number; callback: () => void}[] = [];

  now(): number {
    return this.#now;
  }

  monotonic(): number {
    return this.#now;
  }

  setTimeout(callback: () => void, ms: number): Timer {
    const timer = {at: this.#now + ms, callback};
    this.#timers.push(timer);
    return {cancel: () => void (this.#timers = this.#timers.filter((each) => each !== timer))};
  }

  /** Goes on by `ms`, timer by timer, and lets promises settle in between. */
  async advance(ms: number): Promise<void> {
    const until = this.#now + ms;
    await settle();
    for (;;) {
      const next = this.#timers.filter((each) => each.at <= until).sort((a, b) => a.at - b.at)[0];
      if (next === undefined) break;
      this.#timers = this.#timers.filter((each) => each !== next);
      this.#now = Math.max(this.#now, next.at);
      next.callback();
      await settle();
    }
    this.#now = until;
  }
}

async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await Promise.resolve();
}
