/** Failures in a row after which it is open. */
const THRESHOLD = 3;

/** What is left of an outage for whoever is not let through. */
class BreakerOpenError extends Error {
  override readonly name = 'BreakerOpenError';
}

/**
 * A circuit breaker for what only real work can try out. While it is open one at a time is let through, and the others are
 * refused at once instead of waiting for what does not come; the first success closes it. Nobody is kept waiting for a
 * time to pass: a stranger who makes a provider fail could else keep it open.
 */
export class Breaker {
  readonly #isOutage: (error: unknown) => boolean;
  readonly #onChange: (open: boolean, error: unknown) => void;
  #failures = 0;
  #trying = false;

  constructor(isOutage: (error: unknown) => boolean, onChange: (open: boolean, error: unknown) => void) {
    this.#isOutage = isOutage;
    this.#onChange = onChange;
  }

  get open(): boolean {
    return this.#failures >= THRESHOLD;
  }

  /** Throws BreakerOpenError where it is open and somebody is trying already. */
  async run<T>(act: () => Promise<T>): Promise<T> {
    if (!this.open) return this.#watch(act);
    if (this.#trying)
      throw new BreakerOpenError('it did not answer the last times, and is being tried by another');
    this.#trying = true;
    try {
      return await this.#watch(act);
    } finally {
      this.#trying = false;
    }
  }

  async #watch<T>(act: () => Promise<T>): Promise<T> {
    try {
      const result = await act();
      this.#set(0, undefined);
      return result;
    } catch (error) {
      // What is refused with a reason was answered.
      this.#set(this.#isOutage(error) ? this.#failures + 1 : 0, error);
      throw error;
    }
  }

  #set(failures: number, error: unknown): void {
    const before = this.open;
    this.#failures = failures;
    if (this.open !== before) this.#onChange(this.open, error);
  }
}
