import {databaseFault} from '../../database/errors.ts';

/**
 * Whether a database that answers takes writes: one that has become a standby, or whose tables are locked, does not. Who
 * has a session is still told so; nobody can refresh one or sign in.
 */
export class Writes {
  readonly #onChange: (fault: string | undefined, error: unknown) => void;
  #seen = false;
  #fault: string | undefined;

  /** `onChange` is told of the first look, and of each that finds something else. */
  constructor(onChange: (fault: string | undefined, error: unknown) => void) {
    this.#onChange = onChange;
  }

  get failing(): boolean {
    return this.#fault !== undefined;
  }

  /** `refusal` is the error of the write; undefined where it went well. */
  found(refusal: unknown): void {
    const fault = refusal === undefined ? undefined : databaseFault(refusal);
    if (this.#seen && fault === this.#fault) return;
    this.#seen = true;
    this.#fault = fault;
    this.#onChange(fault, refusal);
  }
}
