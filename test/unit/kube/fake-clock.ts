import type {Clock} from '../../../src/support/clock.ts';

interface Pending {
  readonly at: number;
  readonly order: number;
  readonly callback: () => void;
}

/** A clock that moves only when told to. */
export class FakeClock implements Clock {
  #now = 0;
  #order = 0;
  #pending: Pending[] = [];

  now(): number {
    return 1_800_000_000_000 + this.#now;
  }

  monotonic(): number {
    return this.#now;
  }

  setTimeout(callback: () => void, ms: number): {cancel(): void} {
    const pending = {at: this.#now + Math.max(0, ms), order: this.#order++, callback};
    this.#pending.push(pending);
    return {
      cancel: () => {
        this.#pending = this.#pending.filter((one) => one !== pending);
      },
    };
  }

  get timers(): number {
    return this.#pending.length;
  }

  /** Moves on by `ms`, fires what is due in order, and lets what waits for it run each time. */
  async advance(ms: number): Promise<void> {
    const until = this.#now + ms;
    await settle();
    for (let next = this.#next(until); next !== undefined; next = this.#next(until)) {
      this.#pending = this.#pending.filter((one) => one !== next);
      this.#now = Math.max(this.#now, next.at);
      next.callback();
      await settle();
    }
    this.#now = until;
    await settle();
  }

  /** Moves on without firing anything, as a process does that was stopped. */
  jump(ms: number): void {
    this.#now += ms;
  }

  #next(until: number): Pending | undefined {
    return this.#pending
      .filter((one) => one.at <= until)
      .sort((a, b) => a.at - b.at || a.order - b.order)
      .at(0);
  }
}

/** Lets all promises that are ready run. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 3; turn++) {
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
  }
}
