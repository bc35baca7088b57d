import type {Clock, Timer} from '../../support/clock.ts';
import type {Logger} from '../../support/logging.ts';
import type {HealthReport} from '../observed.ts';
import {seconds} from '../status/backup.ts';

/** What one pod says of itself; undefined where it could not be asked. */
export type PodAnswer = Omit<HealthReport, 'checkedAt'> | undefined;

export interface ProberOptions {
  readonly clock: Clock;
  readonly logger: Pick<Logger, 'debug'>;
  /** Addresses of the pods of a resource that run. */
  readonly targets: (key: string) => readonly string[];
  readonly ask: (address: string) => Promise<PodAnswer>;
  /** Told when the answer for a resource became another one. */
  readonly onChange: (key: string) => void;
  readonly random?: () => number;
}

const HEALTHY_MS = 10_000;
const UNHEALTHY_MS = 3000;
/** At most so many pods are asked at a time for one resource, in turn. */
const PODS = 3;
/** So many resources are asked about at once. */
const CONCURRENCY = 16;
/** Silence this often in a row makes the answer unknown. */
const MISSES = 3;

interface Subject {
  report: HealthReport | undefined;
  misses: number;
  turn: number;
  timer: Timer | undefined;
  asking: boolean;
  askedAt: number;
}

/**
 * Asks the pods how they are, beside the work queue: a resource is queued only when the answer has changed. So a
 * database or provider that goes away is seen within some seconds, though nothing in the cluster has changed.
 */
export class Prober {
  readonly #options: ProberOptions;
  readonly #subjects = new Map<string, Subject>();
  readonly #waiting: string[] = [];
  #active = 0;
  #stopped = false;

  constructor(options: ProberOptions) {
    this.#options = options;
  }

  /** The pods' word on a resource; undefined where none could be asked. Begins to ask, when it is the first time. */
  report(key: string): HealthReport | undefined {
    const known = this.#subjects.get(key);
    if (known !== undefined) {
      // One that was asked a moment ago is not asked again at once, however often it is looked at.
      const waited = this.#options.clock.monotonic() - known.askedAt;
      if (known.report === undefined && waited > UNHEALTHY_MS / 3 && this.#options.targets(key).length > 0) {
        this.#due(key, known, 0);
      }
      return known.report;
    }
    if (this.#stopped) return undefined;
    const subject: Subject = {
      report: undefined,
      misses: 0,
      turn: 0,
      timer: undefined,
      asking: false,
      askedAt: 0,
    };
    this.#subjects.set(key, subject);
    this.#due(key, subject, 0);
    return undefined;
  }

  forget(key: string): void {
    this.#subjects.get(key)?.timer?.cancel();
    this.#subjects.delete(key);
  }

  stop(): void {
    this.#stopped = true;
    for (const key of this.#subjects.keys()) this.forget(key);
    this.#waiting.length = 0;
  }

  #due(key: string, subject: Subject, ms: number): void {
    if (this.#stopped || subject.asking || this.#waiting.includes(key)) return;
    if (ms > 0) {
      subject.timer?.cancel();
      subject.timer = this.#options.clock.setTimeout(() => this.#due(key, subject, 0), ms);
      return;
    }
    subject.timer?.cancel();
    subject.timer = undefined;
    this.#waiting.push(key);
    this.#pump();
  }

  #pump(): void {
    while (this.#active < CONCURRENCY) {
      const key = this.#waiting.shift();
      if (key === undefined) return;
      const subject = this.#subjects.get(key);
      if (subject === undefined) continue;
      this.#active++;
      subject.asking = true;
      subject.askedAt = this.#options.clock.monotonic();
      void this.#ask(key, subject).finally(() => {
        this.#active--;
        subject.asking = false;
        if (this.#subjects.get(key) === subject) this.#next(key, subject);
        this.#pump();
      });
    }
  }

  #next(key: string, subject: Subject): void {
    const ms = subject.report?.auth === 'healthy' ? HEALTHY_MS : UNHEALTHY_MS;
    const random = this.#options.random ?? Math.random;
    subject.timer = this.#options.clock.setTimeout(
      () => {
        subject.timer = undefined;
        this.#due(key, subject, 0);
      },
      ms * (0.9 + random() * 0.2),
    );
  }

  /** Never rejects. */
  async #ask(key: string, subject: Subject): Promise<void> {
    const {targets, ask, clock, logger, onChange} = this.#options;
    const all = targets(key);
    const chosen =
      all.length <= PODS
        ? all
        : Array.from({length: PODS}, (_, n) => all[(subject.turn + n) % all.length] ?? '');
    subject.turn = all.length === 0 ? 0 : (subject.turn + PODS) % all.length;
    const answers = await Promise.all(
      chosen.map((address) =>
        ask(address).catch((error: unknown) => {
          logger.debug({key, address, err: error}, 'a pod could not be asked for its health');
          return undefined;
        }),
      ),
    );
    const merged = merge(answers);
    subject.misses = merged === undefined ? subject.misses + 1 : 0;
    if (merged === undefined && (subject.report === undefined || subject.misses < MISSES)) return;
    if (same(subject.report, merged)) return;
    subject.report = merged && {...merged, checkedAt: seconds(clock.now())};
    if (this.#subjects.get(key) === subject) onChange(key);
  }
}

/**
 * One word from several pods. The database answers when it answers any of them; a provider fails when it fails for one,
 * for pods look after it at different times.
 */
export function merge(answers: readonly PodAnswer[]): PodAnswer {
  const given = answers.filter((each) => each !== undefined);
  if (given.length === 0) return undefined;
  const db = given.some((each) => each.db === 'ok') ? 'ok' : given.find((each) => each.db)?.db;
  const oauthProvider = given.some((each) => each.oauthProvider === 'error')
    ? 'error'
    : given.find((each) => each.oauthProvider)?.oauthProvider;
  const errors = new Map<string, {dependency: string; reason: string}>();
  for (const {dependency, reason} of given.flatMap((each) => each.errors)) {
    if (dependency === 'database' && db === 'ok') continue;
    errors.set(dependency, {dependency, reason});
  }
  const auth = db === 'error' ? 'unhealthy' : oauthProvider === 'error' ? 'degraded' : 'healthy';
  return {
    auth,
    oauthProvider,
    db,
    errors: [...errors.values()].sort((a, b) => (a.dependency < b.dependency ? -1 : 1)),
  };
}

function same(a: HealthReport | undefined, b: PodAnswer): boolean {
  if (a === undefined || b === undefined) return a === b;
  const {checkedAt: _, ...rest} = a;
  return JSON.stringify(rest) === JSON.stringify(b);
}
