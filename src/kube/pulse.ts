import type {Clock} from '../support/clock.ts';
import {isApiError} from './errors.ts';

/** Answers that say: you may not see this, or there is no such type or place. */
const BLOCKED: ReadonlySet<number> = new Set([403, 404]);

/** Signs of life that the server gives of a watch, and whether it refuses to show what is watched. */
export class Pulse {
  readonly #clock: Clock;
  readonly #onBlocked: (reason: string | undefined) => void;
  #at: number;
  #heard = false;
  #blocked = false;

  constructor(clock: Clock, onBlocked: (reason: string | undefined) => void = () => undefined) {
    this.#clock = clock;
    this.#onBlocked = onBlocked;
    this.#at = clock.monotonic();
  }

  /** How many milliseconds ago the last sign was given, or this began. */
  silentMs(): number {
    return this.#clock.monotonic() - this.#at;
  }

  /** Whether there ever was a sign. */
  wasHeard(): boolean {
    return this.#heard;
  }

  /** Whether the server refuses to show it. */
  isBlocked(): boolean {
    return this.#blocked;
  }

  beat(): void {
    this.#at = this.#clock.monotonic();
    this.#heard = true;
  }

  /** The server shows everything. */
  opened(): void {
    this.beat();
    if (!this.#blocked) return;
    this.#blocked = false;
    this.#onBlocked(undefined);
  }

  /** A try failed. Whoever refuses is there: that is a sign of life. True where it is the same refusal as before. */
  failed(failure: unknown): boolean {
    if (!isApiError(failure) || !BLOCKED.has(failure.status)) return false;
    this.beat();
    const again = this.#blocked;
    this.#blocked = true;
    if (!again) this.#onBlocked(failure.message);
    return again;
  }
}
