import type {Clock, Timer} from '../../support/clock.ts';

/** What came of asking about one subject. */
export interface Outcome {
  /** Whether the answer is another one than before. */
  readonly changed: boolean;
  /** When to ask again, milliseconds; some of them are taken or added by chance, so that not all come at once. */
  readonly againMs: number;
}

export interface RoundsOptions<S> {
  readonly clock: Clock;
  /** So many subjects are asked about at once. */
  readonly concurrency: number;
  /** Must not reject. */
  readonly ask: (key: string, subject: S) => Promise<Outcome>;
  /** Told when the answer about a subject became another one. */
  readonly onChange: (key: string) => void;
  readonly random: (() => number) | undefined;
}

interface Entry<S> {
  readonly subject: S;
  timer: Timer | undefined;
  asking: boolean;
}

/** Asks about subjects over and over, beside the work queue: each in its own time, and only so many at once. */
export class Rounds<S> {
  readonly #options: RoundsOptions<S>;
  readonly #entries = new Map<string, Entry<S>>();
  readonly #waiting: string[] = [];
  #active = 0;
  #stopped = false;

  constructor(options: RoundsOptions<S>) {
    this.#options = options;
  }

  get(key: string): S | undefined {
    return this.#entries.get(key)?.subject;
  }

  /** Asks at once, and goes on until `forget`. Nothing begins after `stop`. */
  begin(key: string, subject: S): void {
    if (this.#stopped) return;
    this.#entries.set(key, {subject, timer: undefined, asking: false});
    this.askNow(key);
  }

  /** Asks now, where nobody is asking already. */
  askNow(key: string): void {
    const entry = this.#entries.get(key);
    if (entry !== undefined) this.#due(key, entry);
  }

  forget(key: string): void {
    this.#entries.get(key)?.timer?.cancel();
    this.#entries.delete(key);
  }

  stop(): void {
    this.#stopped = true;
    for (const key of this.#entries.keys()) this.forget(key);
    this.#waiting.length = 0;
  }

  #due(key: string, entry: Entry<S>): void {
    entry.timer?.cancel();
    entry.timer = undefined;
    if (this.#stopped || entry.asking) return;
    if (!this.#waiting.includes(key)) this.#waiting.push(key);
    this.#pump();
  }

  #pump(): void {
    while (this.#active < this.#options.concurrency) {
      const key = this.#waiting.shift();
      if (key === undefined) return;
      const entry = this.#entries.get(key);
      if (entry === undefined) continue;
      this.#active++;
      entry.asking = true;
      void this.#turn(key, entry);
    }
  }

  async #turn(key: string, entry: Entry<S>): Promise<void> {
    const outcome = await this.#options.ask(key, entry.subject);
    this.#active--;
    entry.asking = false;
    if (this.#entries.get(key) === entry) this.#answered(key, entry, outcome);
    this.#pump();
  }

  #answered(key: string, entry: Entry<S>, {changed, againMs}: Outcome): void {
    const random = this.#options.random ?? Math.random;
    const ms = againMs * (0.9 + random() * 0.2);
    entry.timer = this.#options.clock.setTimeout(() => this.#due(key, entry), ms);
    if (changed) this.#options.onChange(key);
  }
}
