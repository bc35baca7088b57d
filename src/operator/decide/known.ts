import type {Moment} from '../observed.ts';

/** No two clocks are so far apart that one has passed by so much what the other has yet to come to. */
const APART_MS = 48 * 3_600_000;

/** How long this process has known of what lasts, by a clock that never jumps: see `FirstSeen` for what that is. */
export class Known {
  readonly #seen: ReadonlyMap<string, Moment>;
  readonly #at: Moment;

  constructor(seen: ReadonlyMap<string, Moment>, at: Moment) {
    this.#seen = seen;
    this.#at = at;
  }

  /** Whether it has been known for so long. What is new has not. */
  for(id: string, ms: number): boolean {
    return this.#leftMs(id, ms) <= 0;
  }

  /**
   * The same for what was written to be due at a time. Processes that are all ended before they have known it for so long
   * would never come to it, so in the end the time itself counts.
   */
  due(id: string, ms: number, writtenAt: number | undefined): boolean {
    return this.for(id, ms) || (writtenAt !== undefined && this.#at.now >= writtenAt + ms + APART_MS);
  }

  /** When it will have been, for a person: milliseconds since the epoch by our own clock. */
  at(id: string, ms: number): number {
    const told = (this.#seen.get(id)?.now ?? this.#at.now) + ms;
    const ahead = told - this.#at.now;
    // Where it cannot be that time, that clock was set meanwhile.
    return ahead > 0 && ahead <= ms ? told : (this.dueAt(id, ms) ?? told);
  }

  /** When to look whether it has; undefined where it has. The two clocks of a process may run apart by a little. */
  dueAt(id: string, ms: number): number | undefined {
    const leftMs = this.#leftMs(id, ms);
    return leftMs <= 0 ? undefined : this.#at.now + leftMs + 1;
  }

  #leftMs(id: string, ms: number): number {
    const since = this.#seen.get(id)?.monotonic ?? this.#at.monotonic;
    return ms - (this.#at.monotonic - since);
  }
}
