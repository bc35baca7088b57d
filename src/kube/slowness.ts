import type {Clock} from '../support/clock.ts';
import type {Priority} from './priority.ts';

/** A pass that takes longer than this holds a worker up. */
const SLOW_MS = 3000;

interface Running {
  readonly since: number;
  readonly priority: Priority;
  /** It was known to be slow, or failing, when it began. */
  readonly suspect: boolean;
}

export interface SlownessOptions {
  readonly clock: Pick<Clock, 'monotonic'>;
  /** How many workers there are. */
  readonly workers: number;
  /** How many of them keys of low priority may have at once. */
  readonly mostLow: number;
  /** Keys that share what makes them slow: those of one namespace, say. */
  readonly groupOf: (key: string) => string;
  /** Whether a key failed last time. */
  readonly isFailing: (key: string) => boolean;
}

/** Whether a key that waits may have a worker. */
export type MayHave = (key: string, priority: Priority) => boolean;

/**
 * Keeps workers free for those that are quick. Keys that failed or were slow last time, and those of a group of which
 * several are slow, may have half of the workers. One that holds a worker for long does not count as such any more: as
 * many again may be held up before those that are quick wait for them.
 */
export class Slowness {
  readonly #options: SlownessOptions;
  readonly #running = new Map<string, Running>();
  readonly #slow = new Map<string, string>();
  readonly #groups = new Map<string, number>();

  constructor(options: SlownessOptions) {
    this.#options = options;
  }

  /** Tells which keys may have a worker now; undefined where none is free. */
  look(): MayHave | undefined {
    const {workers, mostLow, groupOf, clock} = this.#options;
    const now = clock.monotonic();
    const stalled = new Map<string, number>();
    let [quick, low, held] = [0, 0, 0];
    for (const [key, {since, priority, suspect}] of this.#running) {
      const slow = now - since >= SLOW_MS;
      if (!slow) quick++;
      if (!slow && priority === 'low') low++;
      if (slow || suspect) held++;
      if (slow && !this.#slow.has(key)) stalled.set(groupOf(key), (stalled.get(groupOf(key)) ?? 0) + 1);
    }
    if (quick >= workers || this.#running.size >= 2 * workers) return undefined;
    const lowMay = low < mostLow;
    const suspectMay = held < workers / 2;
    return (key, priority) =>
      (lowMay || priority !== 'low') && (suspectMay || !this.#isSuspect(key, stalled));
  }

  /** When it is worth to look again though nobody has ended: in so many milliseconds. */
  nextMs(): number | undefined {
    const now = this.#options.clock.monotonic();
    const left = [...this.#running.values()].map(({since}) => since + SLOW_MS - now).filter((ms) => ms > 0);
    return left.length === 0 ? undefined : Math.min(...left);
  }

  begin(key: string, priority: Priority): void {
    this.#running.set(key, {
      since: this.#options.clock.monotonic(),
      priority,
      suspect: this.#isSuspect(key, new Map()),
    });
  }

  end(key: string): void {
    const {clock, groupOf} = this.#options;
    const since = this.#running.get(key)?.since ?? 0;
    this.#running.delete(key);
    const slow = clock.monotonic() - since >= SLOW_MS;
    const known = this.#slow.get(key);
    if (slow === (known !== undefined)) return;
    const group = known ?? groupOf(key);
    const count = (this.#groups.get(group) ?? 0) + (slow ? 1 : -1);
    if (count > 0) this.#groups.set(group, count);
    else this.#groups.delete(group);
    if (slow) this.#slow.set(key, group);
    else this.#slow.delete(key);
  }

  #isSuspect(key: string, stalled: ReadonlyMap<string, number>): boolean {
    const {workers, groupOf, isFailing} = this.#options;
    if (this.#slow.has(key) || isFailing(key)) return true;
    const group = groupOf(key);
    return (this.#groups.get(group) ?? 0) + (stalled.get(group) ?? 0) >= workers / 4;
  }
}
