import type {Clock, Timer} from '../../support/clock.ts';

/** Unknown until the first look has ended. */
export type DependencyState = 'unknown' | 'up' | 'down';

export interface DependencyOptions {
  /** `database` or `provider:<name>`. */
  readonly name: string;
  /** Rejects where the dependency cannot be used. */
  readonly probe: () => Promise<void>;
  /** Sorts a failure into a word for the metric. */
  readonly fault: (error: unknown) => string;
  readonly clock: Clock;
  /** Time between two probes while it is well, and while it is not. */
  readonly goodMs: number;
  readonly badMs: number;
  /** Failures in a row after which it counts as down. */
  readonly threshold: number;
  /** Told when the state or the fault changes. */
  readonly onChange: (state: DependencyState, fault: string | undefined, error: unknown) => void;
}

/** After a first failure, and after a hint that something is wrong, the next probe comes this soon. */
const SOON_MS = 1_000;

/**
 * Watches one thing that the server needs, in the background, so that a health check or a login never waits for it: a
 * circuit breaker whose half-open state is the probe. Nothing runs until `start`.
 */
export class Dependency {
  readonly name: string;
  readonly #options: DependencyOptions;
  #state: DependencyState = 'unknown';
  #fault: string | undefined;
  #failures = 0;
  #timer: Timer | undefined;
  #dueAt = Number.POSITIVE_INFINITY;
  #running: Promise<void> | undefined;
  /** The probe under way began before it answered elsewhere. */
  #again = false;
  #stopped = true;
  /** Nobody asks about it any more, as of a provider that another configuration has left out. */
  #left = false;

  constructor(options: DependencyOptions) {
    this.name = options.name;
    this.#options = options;
  }

  get state(): DependencyState {
    return this.#state;
  }

  /** Why it is down. */
  get fault(): string | undefined {
    return this.#fault;
  }

  /** Begins with a probe at once; resolves when that has ended, however it did. */
  start(): Promise<void> {
    this.#stopped = false;
    this.#left = false;
    return this.#run();
  }

  /** What is under way says nothing any more. */
  stop(): void {
    this.#stopped = true;
    this.#left = true;
    this.#timer?.cancel();
  }

  /** Something went wrong with it elsewhere: probe soon. */
  suspect(): void {
    this.#schedule(SOON_MS);
  }

  /** It answered elsewhere: where it counts as down, probe at once, or again where a probe is under way. */
  answered(): void {
    if (this.#state !== 'down') return;
    this.#again = this.#running !== undefined;
    this.#schedule(0);
  }

  /** What the probe would have found was found by real work. */
  record(error?: unknown): void {
    if (error === undefined) this.#succeeded();
    else this.#failed(error);
  }

  #run(): Promise<void> {
    this.#running ??= this.#options
      .probe()
      .then(
        () => this.#succeeded(),
        (error: unknown) => this.#failed(error),
      )
      .finally(() => {
        this.#running = undefined;
        const {goodMs, badMs} = this.#options;
        this.#dueAt = Number.POSITIVE_INFINITY;
        const again = this.#again;
        this.#again = false;
        if (this.#failures === 0) this.#schedule(goodMs);
        else if (again) this.#schedule(0);
        else this.#schedule(this.#state === 'down' ? badMs : Math.min(SOON_MS, badMs));
      });
    return this.#running;
  }

  #schedule(ms: number): void {
    if (this.#stopped || this.#running) return;
    const dueAt = this.#options.clock.monotonic() + ms;
    if (dueAt >= this.#dueAt) return;
    this.#timer?.cancel();
    this.#dueAt = dueAt;
    this.#timer = this.#options.clock.setTimeout(() => {
      this.#dueAt = Number.POSITIVE_INFINITY;
      void this.#run();
    }, ms);
  }

  #succeeded(): void {
    this.#failures = 0;
    this.#become('up', undefined, undefined);
  }

  #failed(error: unknown): void {
    this.#failures++;
    if (this.#failures >= this.#options.threshold) this.#become('down', this.#options.fault(error), error);
  }

  #become(state: DependencyState, fault: string | undefined, error: unknown): void {
    if (this.#left || (state === this.#state && fault === this.#fault)) return;
    this.#state = state;
    this.#fault = fault;
    this.#options.onChange(state, fault, error);
  }
}
