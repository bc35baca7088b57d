import type {Bound, KeyRing, RingKey} from '../desired/key-ring.ts';
import type {Moment} from '../observed.ts';

// What stands in a ring since when, another process may have written, whose clock may be hours off. What must not come
// too early is therefore counted from when this process first saw it, by a clock that never jumps.

/** Under which it is seen that a key is in its state. */
export const stateId = ({kid, state, since}: RingKey): string => `${kid} ${state} ${since}`;
/** Under which it is seen that a key is served. */
export const servedId = ({kid, servedSince}: RingKey): string => `${kid} served ${servedSince}`;
/** Under which it is seen when a key retires. */
export const retireId = ({kid, retireAt}: RingKey): string => `${kid} retires ${retireAt}`;
/** Under which it is seen that a bound may become lower. */
export const lowerId = (what: 'maxAge' | 'tokenTTL', {lowerAt}: Bound): string => `${what} lower ${lowerAt}`;

/** All of these that there are in a ring. Of one that rests there are none. */
export function* ringIds({keys, maxAge, tokenTTL}: KeyRing): Iterable<string> {
  for (const key of keys) {
    if (key.state !== 'Signing') yield stateId(key);
    if (key.servedSince !== undefined) yield servedId(key);
    if (key.retireAt !== undefined) yield retireId(key);
  }
  if (maxAge.lowerAt !== undefined) yield lowerId('maxAge', maxAge);
  if (tokenTTL.lowerAt !== undefined) yield lowerId('tokenTTL', tokenTTL);
}

/** No two clocks are so far apart that one has passed by so much what the other has yet to come to. */
const APART_MS = 48 * 3_600_000;

/** How long this process has known of what stands in a ring. */
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
    return (this.#seen.get(id)?.now ?? this.#at.now) + ms;
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
