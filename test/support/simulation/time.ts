import type {Clock, Timer} from '../../../src/support/clock.ts';

interface Pending {
  at: number;
  readonly order: number;
  readonly fire: () => void;
}

/** Time that passes only when everything waits for it: an hour of faults takes milliseconds. */
export class SimulatedTime {
  #now = 0;
  #order = 0;
  readonly #pending = new Set<Pending>();

  /** Milliseconds since the start. */
  get now(): number {
    return this.#now;
  }

  after(ms: number, fire: () => void): Timer {
    const pending = {at: this.#now + Math.max(0, ms), order: this.#order++, fire};
    this.#pending.add(pending);
    return {cancel: () => void this.#pending.delete(pending)};
  }

  wait(ms: number): Promise<void> {
    return new Promise((resolve) => void this.after(ms, resolve));
  }

  /** Goes on by `ms`, or until `holds` does. True when it held. */
  async run(ms: number, holds: () => boolean = () => false): Promise<boolean> {
    const until = this.#now + ms;
    await settle();
    while (!holds()) {
      const next = this.#first();
      if (next === undefined || next.at > until) {
        this.#now = until;
        return false;
      }
      this.#pending.delete(next);
      this.#now = Math.max(this.#now, next.at);
      next.fire();
      await settle();
    }
    return true;
  }

  #first(): Pending | undefined {
    let first: Pending | undefined;
    for (const one of this.#pending) {
      if (first === undefined || one.at < first.at || (one.at === first.at && one.order < first.order))
        first = one;
    }
    return first;
  }
}

/** Every promise that is ready runs, and what follows from it. */
function settle(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

const EPOCH = Date.parse('2026-11-23T12:00:00Z');

/** The true time of day, RFC 3339. */
export function dated({now}: Pick<SimulatedTime, 'now'>): string {
  return new Date(EPOCH + now).toISOString().replace(/\.\d+Z$/, 'Z');
}

/**
 * The clock of one process: its time of day may be hours off, it may run fast or slow, stand still for a while (as a
 * process does that was stopped), or be dead.
 */
export class ProcessClock implements Clock {
  readonly #time: SimulatedTime;
  readonly #offsetMs: number;
  readonly #rate: number;
  #stoppedUntil = 0;
  #dead = false;

  constructor(time: SimulatedTime, {offsetMs = 0, rate = 1} = {}) {
    this.#time = time;
    this.#offsetMs = offsetMs;
    this.#rate = rate;
  }

  now(): number {
    return EPOCH + this.#offsetMs + this.#time.now * this.#rate;
  }

  monotonic(): number {
    return this.#time.now * this.#rate;
  }

  setTimeout(callback: () => void, ms: number): Timer {
    return this.deliver(callback, ms / this.#rate);
  }

  /** Calls after so many milliseconds of true time, unless the process is stopped or dead by then. */
  deliver(callback: () => void, ms: number): Timer {
    let timer: Timer;
    const fire = (): void => {
      if (this.#dead) return;
      const late = this.#stoppedUntil - this.#time.now;
      if (late > 0) timer = this.#time.after(late, fire);
      else callback();
    };
    timer = this.#time.after(ms, fire);
    return {cancel: () => timer.cancel()};
  }

  /** Calls after so long even when the process is stopped by then: what it had sent is on its way. */
  sent(callback: () => void, ms: number): Timer {
    return this.#time.after(ms, () => {
      if (!this.#dead) callback();
    });
  }

  stop(ms: number): void {
    this.#stoppedUntil = this.#time.now + ms;
  }

  kill(): void {
    this.#dead = true;
  }
}
