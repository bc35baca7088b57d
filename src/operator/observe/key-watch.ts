import type {Clock} from '../../support/clock.ts';
import type {Logger} from '../../support/logging.ts';
import type {KeyAnswer, Observed} from '../observed.ts';
import type {Pod} from '../workloads.ts';
import {Rounds, type Outcome} from './rounds.ts';
import type {Target} from './target.ts';

/** Asks pods, and the world, for keys. Undefined or rejected: there was no answer. */
export interface KeyAsker {
  pod(target: Target): Promise<KeyAnswer | undefined>;
  /** The kids in the JWK Set below a public URL; undefined where it cannot be had from here. */
  published(publicURL: string): Promise<readonly string[] | undefined>;
}

export interface KeyWatchOptions {
  readonly clock: Clock;
  readonly logger: Pick<Logger, 'debug'>;
  readonly ask: KeyAsker;
  /** Where a pod answers; undefined while it does not. */
  readonly targetOf: (pod: Pod) => Target | undefined;
  /** Told when somebody answered something else than before. */
  readonly onChange: (key: string) => void;
  readonly random?: (() => number) | undefined;
}

/** How often is asked while something moves, and when nothing has for so many turns. */
const SOON_MS = 2000;
const CALM_MS = 30_000;
const CALM_TURNS = 60;
/** An answer that is older says nothing of now. */
const FRESH_MS = 90_000;
/** So many resources are asked about at once. */
const CONCURRENCY = 8;

interface Subject {
  targets: readonly {readonly uid: string; readonly target: Target}[];
  publicURL: string;
  answers: Map<string, {readonly answer: KeyAnswer; readonly at: number}>;
  publicKids: readonly string[] | undefined;
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
  readonly #rounds: Rounds<Subject>;

  constructor(options: KeyWatchOptions) {
    this.#options = options;
    const {clock, onChange, random} = options;
    const ask = (key: string, subject: Subject): Promise<Outcome> => this.#ask(key, subject);
    this.#rounds = new Rounds({clock, concurrency: CONCURRENCY, ask, onChange, random});
  }

  /** What was heard last; begins to ask when it is the first time, and goes on until `forget`. */
  heard(key: string, pods: readonly Pod[], publicURL: string): Pick<Observed, 'keyAnswers' | 'publicKids'> {
    const targets = pods.flatMap((pod) => {
      const {uid} = pod.metadata;
      const target = this.#options.targetOf(pod);
      return uid !== undefined && target !== undefined ? [{uid, target}] : [];
    });
    const subject = this.#rounds.get(key);
    if (subject === undefined) {
      const answers = new Map<string, never>();
      this.#rounds.begin(key, {targets, publicURL, answers, publicKids: undefined, calm: 0, said: ''});
      return {};
    }
    const others = targets.some(({uid}) => !subject.targets.some((each) => each.uid === uid));
    Object.assign(subject, {targets, publicURL});
    if (others) this.#rounds.askNow(key);
    const since = this.#options.clock.monotonic() - FRESH_MS;
    const fresh = [...subject.answers].filter(([, {at}]) => at >= since);
    return {
      keyAnswers: new Map(fresh.map(([uid, {answer}]) => [uid, answer])),
      publicKids: subject.publicKids,
    };
  }

  forget(key: string): void {
    this.#rounds.forget(key);
  }

  stop(): void {
    this.#rounds.stop();
  }

  /** Never rejects. */
  async #ask(key: string, subject: Subject): Promise<Outcome> {
    const {clock, logger, ask} = this.#options;
    const quietly = <T>(asked: Promise<T | undefined>): Promise<T | undefined> =>
      asked.catch((error: unknown) => {
        logger.debug({key, err: error}, 'nobody could be asked for keys there');
        return undefined;
      });
    // What is heard is as old as the question.
    const at = clock.monotonic();
    const [publicKids, ...heard] = await Promise.all([
      quietly(ask.published(subject.publicURL)),
      ...subject.targets.map(async ({uid, target}) => ({uid, answer: await quietly(ask.pod(target))})),
    ]);
    subject.publicKids = publicKids;
    subject.answers = new Map(heard.flatMap(({uid, answer}) => (answer ? [[uid, {answer, at}]] : [])));
    const said = JSON.stringify([publicKids, heard]);
    const changed = said !== subject.said;
    subject.calm = changed ? 0 : subject.calm + 1;
    subject.said = said;
    return {changed, againMs: subject.calm > CALM_TURNS ? CALM_MS : SOON_MS};
  }
}
