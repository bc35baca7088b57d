import {canonical} from '../../kube/canonical.ts';
import type {FraiseQLAuth} from '../../api/v1alpha1/fraiseqlauth.ts';
import {STATUS_LIMITS} from '../../api/v1alpha1/status.ts';
import type {KubeObject} from '../../kube/objects.ts';
import {childrenOf, child, type Observed} from '../observed.ts';
import type {Problem} from '../problem.ts';
import type {Cluster} from '../reconcile/act.ts';
import {decide, type Settings} from '../decide/decide.ts';
import {stepId, subjectOf, type Decision, type Step} from '../decide/decision.ts';
import {policyOf} from '../reconcile/policy.ts';
import {trueCondition, type Job} from '../workloads.ts';
import {APPROVE, isAllowed, weigh, type ApprovedChange, type Standing} from './approval.ts';
import {isChange, type Change} from './change.ts';
import {foresee, type Foreseen} from './foresee.ts';
import {NOTES, preview, type Foresight} from './preview.ts';

/** More stages than these no plan has: check, migration, roll-out, what is remembered of it, what is left over. */
const MAX_STAGES = 8;

interface Asked {
  readonly resource: FraiseQLAuth;
  readonly decision: Decision;
  readonly observed: Observed;
  /** Milliseconds since the epoch. */
  readonly now: number;
  readonly signal: AbortSignal;
}

/** What would be done for a resource, and what of it may be. */
export interface Planned {
  readonly standing: Standing;
  /** Steps that were let through and may be taken now, and what each of them changes. */
  readonly steps: readonly Step[];
  readonly changes: ReadonlyMap<Step, Change>;
  /** Those that wait, by their id: what needs them waits with them. */
  readonly held: ReadonlySet<string>;
  /** What the API server would not let us do. */
  readonly refused: readonly Problem[];
  /** When to look again because of that, in milliseconds. */
  readonly retryMs: number | undefined;
  /** The namespace is being deleted: nothing is planned in it. */
  readonly leaving: boolean;
}

/** An answer of the API server's, and what it was the answer to. */
interface Answer {
  readonly question: string;
  readonly foreseen: KubeObject | undefined;
  readonly foresight: Foresight | undefined;
}

/** What one round of decisions would change. */
interface Stage {
  readonly taken: readonly {readonly step: Step; readonly foresight: Foresight}[];
  readonly refused: readonly Problem[];
  readonly refusedIds: ReadonlySet<string>;
  readonly retryMs: number | undefined;
  readonly leaving: boolean;
}

/**
 * Finds out what would be done for a resource, to its end, without doing it. The API server is asked by dry runs, and
 * for each question once: while nothing is different, neither is its answer.
 */
export class Planner {
  readonly #cluster: Cluster;
  readonly #settings: Settings;
  readonly #answers = new Map<string, readonly Answer[]>();
  /** What was let through and has been made. The status may go on to name it for a while: it is written when all is done. */
  readonly #made = new Map<string, readonly Change[]>();

  constructor({cluster, settings}: {cluster: Cluster; settings: Settings}) {
    this.#cluster = cluster;
    this.#settings = settings;
  }

  forget(key: string): void {
    this.#answers.delete(key);
    this.#made.delete(key);
  }

  /** These steps of a plan were taken. A Job that was made has yet to succeed. */
  made(key: string, {changes}: Planned, taken: readonly {readonly step: Step}[]): void {
    const made = taken.flatMap(({step}) => changes.get(step) ?? []).filter(({verb}) => verb !== 'Run');
    this.#made.set(key, [...(this.#made.get(key) ?? []), ...made].slice(-STATUS_LIMITS.approved));
  }

  /**
   * Plans on the decision that was made.
   * @throws ApiError when the API server could not answer
   */
  async plan(key: string, asked: Asked): Promise<Planned> {
    const {resource, observed, now} = asked;
    const answers: Answer[] = [];
    const foreseen = new Map<string, KubeObject | undefined>();
    const changes: Change[] = [];
    const refused: Problem[] = [];
    const refusedIds = new Set<string>();
    let retryMs: number | undefined;
    let first: Stage | undefined;
    let {decision} = asked;
    let world = observed;
    for (let round = 0; round < MAX_STAGES; round++) {
      const stage = await this.#stage({...asked, decision, observed: world}, foreseen, {
        known: this.#answers.get(key) ?? [],
        answers,
      });
      first ??= stage;
      for (const id of stage.refusedIds) refusedIds.add(id);
      refused.push(...stage.refused);
      if (stage.retryMs !== undefined) retryMs = Math.min(retryMs ?? Infinity, stage.retryMs);
      const fresh = stage.taken
        .map(({foresight}) => foresight.change)
        .filter((each) => !changes.some(({hash}) => hash === each.hash));
      changes.push(...fresh);
      if (round > 0 && fresh.length === 0) break;
      for (const {step, foresight} of stage.taken) foreseen.set(stepId(step), foresight.after);
      world = foresee(observed, foreseen, decision, now);
      decision = decide(resource, world, now, this.#settings);
    }
    this.#answers.set(key, answers);
    // What is wanted once more is not made.
    const made = (this.#made.get(key) ?? []).filter((each) => !changes.some(({hash}) => hash === each.hash));
    this.#made.set(key, made);

    const standing = weigh({
      uid: resource.metadata.uid,
      changes,
      before: resource.status?.plan,
      annotation: resource.metadata.annotations?.[APPROVE],
      isUnderWay: (each) =>
        !made.some((change) => isChange(each, change)) && isUnderWay(each, asked, refusedIds),
    });
    const allowed = standing.approved?.changes ?? [];
    const taken = first?.taken ?? [];
    return {
      standing,
      steps: taken.filter(({foresight}) => isAllowed(allowed, foresight.change)).map(({step}) => step),
      changes: new Map(taken.map(({step, foresight}) => [step, foresight.change])),
      held: new Set([
        ...refusedIds,
        ...taken.filter(({foresight}) => !isAllowed(allowed, foresight.change)).map(({step}) => stepId(step)),
      ]),
      refused,
      retryMs,
      leaving: first?.leaving === true,
    };
  }

  async #stage(
    {resource, decision, observed, signal}: Asked,
    foreseen: Foreseen,
    memory: {known: readonly Answer[]; answers: Answer[]},
  ): Promise<Stage> {
    const taken: {step: Step; foresight: Foresight}[] = [];
    const refused: Problem[] = [];
    const refusedIds = new Set<string>();
    let retryMs: number | undefined;
    for (const step of decision.steps) {
      const id = stepId(step);
      const before = foreseen.get(id);
      const question = questionOf(step, observed);
      const answer = memory.known.find((each) => each.question === question && each.foreseen === before);
      try {
        const foresight = answer
          ? answer.foresight
          : await preview(
              {
                cluster: this.#cluster,
                resource,
                observed,
                aliases: decision.aliases,
                extraEnv: decision.spec?.pod.extraEnv ?? [],
                foreseen: before,
                signal,
              },
              step,
            );
        memory.answers.push(answer ?? {question, foreseen: before, foresight});
        if (foresight === undefined) continue;
        // Why something failed is a note that nobody plans; the Job remembers it as well.
        if (decision.proof?.state === 'Refused' && foresight.change.why === NOTES) continue;
        taken.push({step, foresight});
      } catch (error) {
        const policy = policyOf(error, subjectOf(step));
        if (policy.kind === 'retry') throw error;
        if (policy.kind === 'leave') return {taken: [], refused, refusedIds, retryMs, leaving: true};
        refusedIds.add(id);
        if (policy.kind === 'refused') refused.push(policy.problem);
        retryMs = Math.min(retryMs ?? Infinity, policy.retryMs);
      }
    }
    return {taken, refused, refusedIds, retryMs, leaving: false};
  }
}

/** All that the answer depends on: what would be sent, and which version of the object it would change. */
function questionOf(step: Step, observed: Observed): string {
  const {kind, name} = subjectOf(step);
  const {uid, resourceVersion} = child(observed, kind, name)?.metadata ?? {};
  const {object, ...rest} = {object: undefined, ...step};
  return canonical({uid, resourceVersion, object: object && name, ...rest, ...withoutTimes(step)});
}

/** Of a turn of the keys only what it does: its times move on. */
function withoutTimes(step: Step): object {
  if (step.kind !== 'keys') return {};
  const {mint, drop, ring} = step.rotation;
  return {secret: undefined, rotation: {mint, drop, keys: ring.keys.map(({kid, state}) => ({kid, state}))}};
}

/** A Job that was let through is tried again until it succeeds; and what cannot be asked now was not taken back. */
function isUnderWay(
  {verb, kind, name}: ApprovedChange,
  {decision, observed}: Asked,
  refusedIds: ReadonlySet<string>,
): boolean {
  if (refusedIds.has(`${kind}/${name}`)) return true;
  if ((decision.secrets?.problems.length ?? 0) > 0) return true;
  // It may have been let through when the key that its name depends on was only planned.
  const asPlanned = (now: string) =>
    decision.aliases.reduce((all, [is, then]) => all.replaceAll(is, then), now);
  const now = [decision.checkJob, decision.migrationJob].find(
    (each) => each !== undefined && (each === name || asPlanned(each) === name),
  );
  if (verb !== 'Run' || now === undefined) return false;
  const job = childrenOf<Job>(observed, 'Job').find(({metadata}) => metadata.name === now);
  return job !== undefined && !trueCondition(job, 'Complete');
}
