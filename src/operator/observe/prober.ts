import type {Clock} from '../../support/clock.ts';
import type {Logger} from '../../support/logging.ts';
import type {HealthReport, ShownCertificate} from '../observed.ts';
import {timestamp} from '../timestamp.ts';
import {Rounds, type Outcome} from './rounds.ts';
import type {Target} from './target.ts';

/** What one pod says of itself; undefined where it could not be asked. */
export type PodAnswer = Omit<HealthReport, 'checkedAt' | 'sinceMs'> | undefined;

export interface ProberOptions {
  readonly clock: Clock;
  readonly logger: Pick<Logger, 'debug'>;
  /** The pods of a resource that run. */
  readonly targets: (key: string) => readonly Target[];
  readonly ask: (target: Target) => Promise<PodAnswer>;
  /** Told when the answer for a resource became another one. */
  readonly onChange: (key: string) => void;
  readonly random?: (() => number) | undefined;
}

const HEALTHY_MS = 10_000;
const UNHEALTHY_MS = 3000;
/** At most so many pods are asked at a time for one resource, in turn. */
const PODS = 3;
/** So many resources are asked about at once. */
const CONCURRENCY = 16;
/** Silence this often in a row makes the answer unknown. */
const MISSES = 3;
/** Pods that never answer are asked less and less often, down to this. */
const SILENT_MS = 60_000;

interface Subject {
  report: HealthReport | undefined;
  misses: number;
  /** How often in a row there were pods, and none answered. */
  silent: number;
  turn: number;
  askedAt: number;
  /** What each pod showed when it was last asked, by its address. */
  shown: Map<string, ShownCertificate>;
}

/**
 * Asks the pods how they are, beside the work queue: a resource is queued only when the answer has changed. So a
 * database or provider that goes away is seen within some seconds, though nothing in the cluster has changed.
 */
export class Prober {
  readonly #options: ProberOptions;
  readonly #rounds: Rounds<Subject>;

  constructor(options: ProberOptions) {
    this.#options = options;
    const {clock, onChange, random} = options;
    const ask = (key: string, subject: Subject): Promise<Outcome> => this.#ask(key, subject);
    this.#rounds = new Rounds({clock, concurrency: CONCURRENCY, ask, onChange, random});
  }

  /** The pods' word on a resource; undefined where none could be asked. Begins to ask, when it is the first time. */
  report(key: string): HealthReport | undefined {
    const known = this.#rounds.get(key);
    if (known === undefined) {
      this.#rounds.begin(key, {
        report: undefined,
        misses: 0,
        silent: 0,
        turn: 0,
        askedAt: 0,
        shown: new Map(),
      });
      return undefined;
    }
    // One that was asked a moment ago is not asked again at once, however often it is looked at.
    const waited = this.#options.clock.monotonic() - known.askedAt;
    if (known.report === undefined && waited > UNHEALTHY_MS / 3 && this.#options.targets(key).length > 0) {
      this.#rounds.askNow(key);
    }
    return known.report;
  }

  forget(key: string): void {
    this.#rounds.forget(key);
  }

  stop(): void {
    this.#rounds.stop();
  }

  async #ask(key: string, subject: Subject): Promise<Outcome> {
    const changed = await this.#look(key, subject);
    const {report, silent} = subject;
    if (report?.auth === 'healthy') return {changed, againMs: HEALTHY_MS};
    const more = Math.max(0, Math.min(silent - MISSES, 10));
    return {changed, againMs: Math.min(SILENT_MS, UNHEALTHY_MS * 2 ** more)};
  }

  /** Whether the report became another one. Never rejects. */
  async #look(key: string, subject: Subject): Promise<boolean> {
    const {targets, ask, clock, logger} = this.#options;
    subject.askedAt = clock.monotonic();
    const all = targets(key);
    const chosen =
      all.length <= PODS
        ? all
        : Array.from({length: PODS}, (_, n) => all[(subject.turn + n) % all.length]).filter(
            (each) => each !== undefined,
          );
    subject.turn = all.length === 0 ? 0 : (subject.turn + PODS) % all.length;
    const answers = await Promise.all(
      chosen.map((target) =>
        ask(target).catch((error: unknown) => {
          logger.debug({key, address: target.address, err: error}, 'a pod could not be asked for its health');
          return undefined;
        }),
      ),
    );
    const certificates = certificatesOf(subject, all, chosen, answers);
    const merged = merge(answers, certificates);
    subject.misses = merged === undefined ? subject.misses + 1 : 0;
    subject.silent = merged === undefined && chosen.length > 0 ? subject.silent + 1 : 0;
    if (merged === undefined && (subject.report === undefined || subject.misses < MISSES)) return false;
    if (same(subject.report, merged)) return false;
    subject.report = merged && {...merged, checkedAt: timestamp(clock.now()), sinceMs: clock.monotonic()};
    return true;
  }
}

/** What all pods show, as far as it is known: a pod that is not asked this time shows what it showed. */
function certificatesOf(
  subject: Subject,
  all: readonly Target[],
  chosen: readonly Target[],
  answers: readonly PodAnswer[],
): ShownCertificate[] {
  const shown = new Map(
    chosen.flatMap(({address}, index) =>
      (answers[index]?.certificates ?? []).map((each) => [address, each] as const),
    ),
  );
  subject.shown = new Map(
    all.flatMap(({address}) => {
      const one = shown.get(address) ?? subject.shown.get(address);
      return one === undefined ? [] : [[address, one] as const];
    }),
  );
  const distinct = new Map([...subject.shown.values()].map((each) => [each.fingerprint, each]));
  return [...distinct.values()].sort((a, b) => (a.fingerprint < b.fingerprint ? -1 : 1));
}

/**
 * One word from several pods. The database answers when it answers any of them; a provider, or Redis, fails when it
 * fails for one, for pods look after it at different times.
 */
export function merge(
  answers: readonly PodAnswer[],
  certificates: readonly ShownCertificate[] = [],
): PodAnswer {
  const given = answers.filter((each) => each !== undefined);
  if (given.length === 0) return undefined;
  const db = given.some((each) => each.db === 'ok') ? 'ok' : given.find((each) => each.db)?.db;
  const oauthProvider = given.some((each) => each.oauthProvider === 'error')
    ? 'error'
    : given.find((each) => each.oauthProvider)?.oauthProvider;
  const cache = given.some((each) => each.cache === 'error')
    ? 'error'
    : given.find((each) => each.cache)?.cache;
  const errors = new Map<string, {dependency: string; reason: string}>();
  for (const {dependency, reason} of given.flatMap((each) => each.errors)) {
    if (dependency === 'database' && db === 'ok') continue;
    errors.set(dependency, {dependency, reason});
  }
  const whole = oauthProvider !== 'error' && cache !== 'error';
  const auth = db === 'error' ? 'unhealthy' : whole ? 'healthy' : 'degraded';
  return {
    auth,
    oauthProvider,
    db,
    ...(cache && {cache}),
    ...(certificates.length > 0 && {certificates}),
    errors: [...errors.values()].sort((a, b) => (a.dependency < b.dependency ? -1 : 1)),
  };
}

function same(a: HealthReport | undefined, b: PodAnswer): boolean {
  if (a === undefined || b === undefined) return a === b;
  const {checkedAt: _, sinceMs: __, ...rest} = a;
  return JSON.stringify(rest) === JSON.stringify(b);
}
