import type {Clock, Timer} from '../../support/clock.ts';
import type {Logger} from '../../support/logging.ts';
import type {KeyAnswer, Observed} from '../observed.ts';
import type {Pod} from '../workloads.ts';

/** Asks pods, and the world, for keys. Undefined or rejected: there was no answer. */
export interface KeyAsker {
  /** `address` is a pod's. */
  pod(address: string): Promise<KeyAnswer | undefined>;
  /** The kids in the JWK Set below a public URL; undefined where it cannot be had from here. */
  published(publicURL: string): Promise<readonly string[] | undefined>;
}

export interface KeyWatchOptions {
  readonly clock: Clock;
  readonly logger: Pick<Logger, 'debug'>;
  readonly ask: KeyAsker;
  /** Told when somebody answered something else than before. */
  readonly onChange: (key: string) => void;
  readonly random?: () => number;
}

/** How often is asked while something moves, and when nothing has for so many turns. */
const SOON_MS = 2000;
const CALM_MS = 30_000;
const CALM_TURNS = 60;
/** An answer that is older says nothing of now. */
const FRESH_MS = 90_000;
/** So many resources are asked about at once. */
const CONCURRENCY = 8;

type Target = {readonly uid: string; readonly address: string};

interface Subject {
  targets: readonly Target[];
  publicURL: string;
  answers: Map<string, {readonly answer: KeyAnswer; readonly at: number}>;
  publicKids: readonly string[] | undefined;
  timer: Timer | undefined;
  asking: boolean;
  /** Turns in a row in which nothing was new. */
  calm: number;
  said: string;
}

/**
 * Hears from every pod of a resource which keys it serves and which one signs, beside the work queue, as long as a
 * rotation of keys has to know.
 */
export class KeyWatch {
  readonly #options: KeyWatchOptions;
  readonly #subjects = new Map<string, Subject>();
  readonly #waiting: string[] = [];
  #active = 0;
  #stopped = false;

  constructor(options: KeyWatchOptions) {
    this.#options = options;
  }

  /** What was heard last; begins to ask when it is the first time, and goes on until `forget`. */
  heard(key: string, pods: readonly Pod[], publicURL: string): Pick<Observed, 'keyAnswers' | 'publicKids'> {
    const targets = pods.flatMap(({metadata, status}) =>
      metadata.uid !== undefined && status?.podIP !== undefined
        ? [{uid: metadata.uid, address: status.podIP}]
        : [],
    );
    const subject = this.#subjects.get(key);
    if (subject === undefined) {
      if (!this.#stopped) this.#begin(key, targets, publicURL);
      return {};
    }
    const others = targets.some(({uid}) => !subject.targets.some((each) => each.uid === uid));
    Object.assign(subject, {targets, publicURL});
    if (others) this.#due(key, subject, 0);
    const since = this.#options.clock.monotonic() - FRESH_MS;
    const fresh = [...subject.answers].filter(([, {at}]) => at >= since);
    return {
      keyAnswers: new Map(fresh.map(([uid, {answer}]) => [uid, answer])),
      publicKids: subject.publicKids,
    };
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

  #begin(key: string, targets: readonly Target[], publicURL: string): void {
    const subject: Subject = {
      targets,
      publicURL,
      answers: new Map(),
      publicKids: undefined,
      timer: undefined,
      asking: false,
      calm: 0,
      said: '',
    };
    this.#subjects.set(key, subject);
    this.#due(key, subject, 0);
  }

  #due(key: string, subject: Subject, ms: number): void {
    subject.timer?.cancel();
    subject.timer = undefined;
    if (this.#stopped || subject.asking) return;
    if (ms > 0) {
      subject.timer = this.#options.clock.setTimeout(() => this.#due(key, subject, 0), ms);
      return;
    }
    if (!this.#waiting.includes(key)) this.#waiting.push(key);
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
      void this.#ask(key, subject).finally(() => {
        this.#active--;
        subject.asking = false;
        if (this.#subjects.get(key) === subject) {
          const random = this.#options.random ?? Math.random;
          const ms = subject.calm > CALM_TURNS ? CALM_MS : SOON_MS;
          this.#due(key, subject, ms * (0.9 + random() * 0.2));
        }
        this.#pump();
      });
    }
  }

  /** Never rejects. */
  async #ask(key: string, subject: Subject): Promise<void> {
    const {clock, logger, ask, onChange} = this.#options;
    const quietly = <T>(asked: Promise<T | undefined>): Promise<T | undefined> =>
      asked.catch((error: unknown) => {
        logger.debug({key, err: error}, 'nobody could be asked for keys there');
        return undefined;
      });
    // What is heard is as old as the question.
    const at = clock.monotonic();
    const [publicKids, ...heard] = await Promise.all([
      quietly(ask.published(subject.publicURL)),
      ...subject.targets.map(async ({uid, address}) => ({uid, answer: await quietly(ask.pod(address))})),
    ]);
    subject.publicKids = publicKids;
    subject.answers = new Map(heard.flatMap(({uid, answer}) => (answer ? [[uid, {answer, at}]] : [])));
    const said = JSON.stringify([publicKids, heard]);
    subject.calm = said === subject.said ? subject.calm + 1 : 0;
    if (said === subject.said) return;
    subject.said = said;
    if (this.#subjects.get(key) === subject) onChange(key);
  }
}
