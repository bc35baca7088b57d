import type {Clock} from '../../support/clock.ts';

/**
 * The most that counts, seconds. A client that was told 503 for longer has given up; and where this replica alone was cut
 * off while the others exchanged tokens, an old token must not be good here for as long as that lasted.
 */
const MOST_SECONDS = 3_600;

interface Outage {
  readonly from: number;
  readonly to: number;
}

/**
 * When this replica could not refresh a session, be it that the database was away or that it took no writes. A client that
 * lost an answer cannot get it again meanwhile, however often it asks: what it may do for a time it may do for so long of
 * the time in which there was somebody to ask. What came before this process is not known to it.
 */
export class Outages {
  readonly #clock: Clock;
  #answeredAt: number;
  #failing = false;
  /** The newest first. */
  #past: Outage[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#answeredAt = clock.monotonic();
  }

  /** The database answered, and takes writes: an outage that there was is over, and began when it last did, or with this process. */
  answered(): void {
    const now = this.#clock.monotonic();
    if (this.#failing) {
      const relevant = now - MOST_SECONDS * 1000;
      this.#past = [{from: this.#answeredAt, to: now}, ...this.#past.filter(({to}) => to > relevant)];
    }
    this.#failing = false;
    this.#answeredAt = now;
  }

  /** It did not, or does not. */
  failed(): void {
    this.#failing = true;
  }

  /** Seconds of outage, one that lasts included, among the last ones that hold `seconds` without; an hour at most. */
  within(seconds: number): number {
    const now = this.#clock.monotonic();
    // Whoever asks now may be the first to be served again.
    let at = this.#failing ? this.#answeredAt : now;
    let [well, away] = [seconds * 1000, now - at];
    for (const {from, to} of this.#past) {
      well -= at - to;
      if (well <= 0) break;
      away += to - from;
      at = from;
    }
    return Math.min(away / 1000, MOST_SECONDS);
  }
}
