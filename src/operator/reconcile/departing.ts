import type {FraiseQLAuth} from '../../api/v1alpha1/fraiseqlauth.ts';
import type {Clock} from '../../support/clock.ts';
import {LEAVE_MS} from './policy.ts';

/** Resources whose namespace is being deleted: nothing can be made there, and soon they are gone with it. */
export class Departing {
  readonly #clock: Pick<Clock, 'monotonic'>;
  /** Until when that is believed, in monotonic milliseconds. */
  readonly #until = new Map<string, {readonly uid: string; readonly until: number}>();

  constructor(clock: Pick<Clock, 'monotonic'>) {
    this.#clock = clock;
  }

  /** The API server said so. Returns for how long that is believed, in milliseconds. */
  add(key: string, {metadata: {uid}}: FraiseQLAuth): number {
    this.#until.set(key, {uid, until: this.#clock.monotonic() + LEAVE_MS});
    return LEAVE_MS;
  }

  /** For how many milliseconds it is still believed; undefined where it is not. */
  leftMs(key: string, {metadata: {uid}}: FraiseQLAuth): number | undefined {
    const known = this.#until.get(key);
    if (known === undefined) return undefined;
    const leftMs = known.until - this.#clock.monotonic();
    // Another resource of that name lives in a namespace that was made anew.
    if (leftMs > 0 && known.uid === uid) return leftMs;
    this.#until.delete(key);
    return undefined;
  }

  /** The resource is gone. */
  forget(key: string): void {
    this.#until.delete(key);
  }
}
