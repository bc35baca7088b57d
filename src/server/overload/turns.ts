import type {Clock} from '../../support/clock.ts';
import {URGENCIES, type Urgency} from './urgency.ts';

/** How long those who ask may have been waiting before one of this urgency is refused, milliseconds. */
const STANDING_MS: Readonly<Record<Urgency, number>> = {
  login: 250,
  refresh: 500,
  check: 1_000,
  ending: 2_000,
};
/** A queue as short as this is no standing one: each in it comes to its turn, or to the end of its patience. */
const SHORT = 64;
/** How many may wait in all before one of this urgency is refused. */
const LENGTH: Readonly<Record<Urgency, number>> = {login: 256, refresh: 512, check: 768, ending: 1_024};
/** Nobody waits longer. */
const LONGEST_MS = 3_000;
const LOOK_MS = 250;

/** Why somebody gets no turn. */
export type Refusal = 'queue' | 'waited';

interface Waiting {
  readonly since: number;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

interface TurnsOptions {
  /** So many at once. */
  readonly size: number;
  readonly clock: Clock;
  /** The error for one who gets no turn. */
  readonly refuse: (urgency: Urgency, why: Refusal) => Error;
}

/**
 * Turns at something of which there is only so much. Whoever is more urgent comes first, and a queue that does not get
 * shorter takes no more of the less urgent: it is bounded by the time that those in it have waited, and by their number.
 */
export class Turns {
  readonly #options: TurnsOptions;
  readonly #lanes: Readonly<Record<Urgency, Waiting[]>> = {ending: [], check: [], refresh: [], login: []};
  #busy = 0;
  #waiting = 0;
  #looking = false;

  constructor(options: TurnsOptions) {
    this.#options = options;
  }

  waiting(urgency: Urgency): number {
    return this.#lanes[urgency].length;
  }

  /**
   * Undefined where the turn has come at once. Rejects (or throws) where it does not come; each one that came must be
   * given back by `leave`.
   */
  enter(urgency: Urgency): Promise<void> | undefined {
    if (this.#busy < this.#options.size && this.#waiting === 0) {
      this.#busy++;
      return undefined;
    }
    const now = this.#options.clock.monotonic();
    const stands = this.#waiting >= SHORT && now - this.#oldest(urgency, now) > STANDING_MS[urgency];
    if (stands || this.#waiting >= LENGTH[urgency]) throw this.#options.refuse(urgency, 'queue');
    const turn = new Promise<void>((resolve, reject) => {
      this.#lanes[urgency].push({since: now, resolve, reject});
    });
    this.#waiting++;
    this.#lookLater();
    return turn;
  }

  leave(): void {
    this.#busy--;
    for (const urgency of URGENCIES) {
      const next = this.#lanes[urgency].shift();
      if (next === undefined) continue;
      this.#waiting--;
      this.#busy++;
      next.resolve();
      return;
    }
  }

  /** Refuses all who wait: what they wait for is gone. */
  clear(): void {
    for (const urgency of URGENCIES) this.#refuse(urgency, this.#lanes[urgency].splice(0), 'queue');
  }

  /** Since when the first of those has waited who come before, or with, one of this urgency. */
  #oldest(urgency: Urgency, now: number): number {
    let oldest = now;
    for (const lane of URGENCIES) {
      oldest = Math.min(oldest, this.#lanes[lane][0]?.since ?? now);
      if (lane === urgency) break;
    }
    return oldest;
  }

  #look(): void {
    this.#looking = false;
    const late = this.#options.clock.monotonic() - LONGEST_MS;
    for (const urgency of URGENCIES) {
      const lane = this.#lanes[urgency];
      const firstInTime = lane.findIndex(({since}) => since > late);
      this.#refuse(urgency, lane.splice(0, firstInTime < 0 ? lane.length : firstInTime), 'waited');
    }
    if (this.#waiting > 0) this.#lookLater();
  }

  #lookLater(): void {
    if (this.#looking) return;
    this.#looking = true;
    this.#options.clock.setTimeout(() => this.#look(), LOOK_MS);
  }

  #refuse(urgency: Urgency, those: readonly Waiting[], why: Refusal): void {
    this.#waiting -= those.length;
    for (const {reject} of those) reject(this.#options.refuse(urgency, why));
  }
}
