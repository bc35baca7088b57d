import {seededRandom} from '../random.ts';

/** Chance that can be repeated: the same seed gives the same numbers. */
export class Random {
  readonly #random: () => number;

  constructor(seed: number) {
    this.#random = seededRandom(seed);
  }

  /** From 0 to 1, without 1. */
  next(): number {
    return this.#random();
  }

  chance(share: number): boolean {
    return this.next() < share;
  }

  /** A whole number from 0 on, below `end`. */
  below(end: number): number {
    return Math.floor(this.next() * end);
  }

  between(from: number, to: number): number {
    return from + this.next() * (to - from);
  }

  pick<T>(all: readonly T[]): T {
    const one = all[this.below(all.length)];
    if (one === undefined) throw new TypeError('nothing to pick from');
    return one;
  }
}
