import type {FraiseQLAuth} from '../../api/v1alpha1/fraiseqlauth.ts';
import {applyChildObject, type ApplyOutcome, type ApplyPort} from '../../kube/apply.ts';
import {canonical} from '../../kube/canonical.ts';
import {isApiError, type KubeClient} from '../../kube/client.ts';
import {keyOf, type KubeObject, type ResourceType} from '../../kube/objects.ts';
import {MANAGER} from '../desired/children.ts';
import {instanceOf} from '../desired/instance.ts';
import {stateSecret} from '../desired/secrets.ts';
import {child, type Observed} from '../observed.ts';
import type {Problem} from '../problem.ts';
import {stepId, subjectOf, type Step} from '../decide/decision.ts';
import type {Caches} from '../observe/caches.ts';
import type {Contests} from './contests.ts';
import {mintStateKey, type KeyMint} from './mint.ts';
import {createOnce, own} from './ours.ts';
import type {Overlay} from '../observe/overlay.ts';
import {policyOf} from './policy.ts';
import {slim} from '../observe/slim.ts';
import {writeKeys} from './write-keys.ts';

/** All that the reconciler does to a cluster goes through here, so that a test may stop it before or after any write. */
export type Cluster = ApplyPort & Pick<KubeClient, 'delete' | 'mergePatch' | 'podLogs'>;

/** Awaited between two pieces of work, so that what many resources have to do at once does not stop all else. */
export type Breathe = () => Promise<void> | undefined;

/** What came of the steps of a pass. */
export interface Acted {
  /** Children as they are now, where a step saw or wrote them. */
  readonly written: readonly KubeObject[];
  /** `Kind/name` of what was deleted. */
  readonly removed: readonly string[];
  /** Steps that changed something. */
  readonly changes: readonly {
    readonly step: Step;
    readonly id: string;
    readonly outcome: ApplyOutcome | 'minted' | 'deleted';
  }[];
  /** A step found done, in a version that was not observed, what it came to do: what follows of that is not decided. */
  readonly overtaken: boolean;
  readonly refused: readonly Problem[];
  /** When to look again because of what did not work, in milliseconds. */
  readonly retryMs: number | undefined;
  /** The namespace is being deleted: the pass ended there. */
  readonly leaving: boolean;
  /** What the API server could not do. */
  readonly failures: readonly Failure[];
}

/** A step that the API server could not do, and may be able to do another time. */
export interface Failure {
  readonly error: Error;
  readonly subject: {readonly apiVersion: string; readonly kind: string; readonly name: string};
}

/** After so many failures in a pass no more is tried; a call without an answer has taken its time already. */
const MAX_FAILURES = 3;
const MAX_TIMEOUTS = 2;

/** In place of a hash: labels and owner, and nothing else, were given back. */
const OWNED = 'owned';
/** The same: it was made anew, whatever is in it. */
const MADE = 'made';

interface Context {
  readonly cluster: Cluster;
  readonly caches: Pick<Caches, 'settle'>;
  readonly contests: Contests;
  readonly overlay: Overlay;
  readonly mintKey: KeyMint;
  readonly resource: FraiseQLAuth;
  readonly signal: AbortSignal;
  readonly breathe?: Breathe | undefined;
}

/** Does the steps in their order, and leaves out those whose needs have failed; `held` are such as were not begun. */
export async function act(
  context: Context,
  steps: readonly Step[],
  observed: Observed,
  held: ReadonlySet<string> = new Set(),
): Promise<Acted> {
  const written: KubeObject[] = [];
  const removed: string[] = [];
  const changes: Acted['changes'][number][] = [];
  const refused: Problem[] = [];
  const failed = new Set<string>(held);
  let retryMs: number | undefined;
  const failures: Failure[] = [];
  let timeouts = 0;
  let leaving = false;
  let overtaken = false;
  for (const step of steps) {
    const id = stepId(step);
    if ('needs' in step && step.needs.some((need) => failed.has(need))) {
      failed.add(id);
      continue;
    }
    await context.breathe?.();
    try {
      const {object, outcome} = await take(context, step, observed);
      if (object !== undefined) written.push(object);
      if (outcome === 'deleted') removed.push(id);
      if (outcome !== 'unchanged') changes.push({step, id, outcome});
      else if (object !== undefined) overtaken = true;
    } catch (thrown) {
      failed.add(id);
      const subject = subjectOf(step);
      const policy = policyOf(thrown, subject);
      if (policy.retryMs !== undefined) retryMs = Math.min(retryMs ?? Infinity, policy.retryMs);
      if (policy.kind === 'refused') refused.push(policy.problem);
      if (policy.kind === 'leave') {
        leaving = true;
        break;
      }
      if (policy.kind === 'retry') {
        failures.push({error: thrown instanceof Error ? thrown : new Error(String(thrown)), subject});
        if (isApiError(thrown, 0)) timeouts++;
        if (!policy.goesOn || failures.length >= MAX_FAILURES || timeouts >= MAX_TIMEOUTS) break;
      }
    }
  }
  return {written, removed, changes, overtaken, refused, retryMs, leaving, failures};
}

type Taken = {object?: KubeObject; outcome: ApplyOutcome | 'minted' | 'deleted'};

async function take(context: Context, step: Step, observed: Observed): Promise<Taken> {
  const {overlay, resource, signal} = context;
  signal.throwIfAborted();
  if (step.kind === 'delete') {
    await remove(context, step.type, step.object);
    return {outcome: 'deleted'};
  }
  const subject = subjectOf(step);
  if (step.kind === 'run' && step.supersedes) {
    // What may not be made again is not taken away either.
    context.contests.ask(resource.metadata, subject, MADE);
    await remove(context, step.type, step.supersedes);
  }
  const {kind, name} = subject;
  const {namespace} = resource.metadata;
  return overlay.during(kind, keyOf({namespace, name}), async () => {
    const taken = await write(context, step, observed);
    if (taken.object !== undefined) overlay.wrote(taken.object);
    return taken;
  });
}

async function write(
  context: Context,
  step: Exclude<Step, {kind: 'delete'}>,
  observed: Observed,
): Promise<Taken> {
  const {cluster, caches, contests, signal} = context;
  const owner = context.resource.metadata;
  switch (step.kind) {
    case 'mint':
      return {
        object: await contested(context, step, MADE, undefined, () => mint(context)),
        outcome: 'minted',
      };
    case 'keys': {
      const object = await contested(context, step, MADE, step.secret, () => writeKeys(context, step));
      return {object, outcome: 'minted'};
    }
    case 'apply': {
      const live = child(observed, step.desired.kind, step.desired.metadata.name);
      const subject = subjectOf(step);
      let over: KubeObject | undefined;
      const {outcome, object, hash} = await applyChildObject(cluster, {
        type: step.type,
        desired: step.desired,
        live,
        fieldManager: MANAGER,
        initially: step.initially,
        onWrite: (what, it) => {
          contests.ask(owner, subject, what);
          over = it;
        },
        signal,
      });
      if (outcome !== 'unchanged') contests.wrote(owner, subject, hash, over);
      if (outcome !== 'unchanged' || object !== live) return {object: slim(object), outcome};
      caches.settle(object, hash);
      return {outcome};
    }
    case 'run': {
      const object = await contested(context, step, MADE, undefined, () => run(cluster, step, signal));
      return {object, outcome: 'created'};
    }
    case 'own': {
      const {type, desired, object: live} = step;
      const object = await contested(context, step, OWNED, live, () =>
        own(cluster, {type, desired, live, signal}),
      );
      return {object, outcome: 'updated'};
    }
    case 'patch': {
      const {uid, namespace, name} = step.object.metadata;
      const patch = {...step.patch, metadata: {...step.patch.metadata, uid}};
      const object = await contested(context, step, canonical(patch), step.object, () =>
        cluster.mergePatch<KubeObject>(step.type, {namespace, name}, patch, {fieldManager: MANAGER, signal}),
      );
      return {object, outcome: 'updated'};
    }
    default:
      return step satisfies never;
  }
}

/**
 * Writes what another program may write, or delete, each time: `what` tells one version of it from the next, and
 * `before` is what stands there. Returns of the object what is kept.
 */
async function contested(
  {contests, resource}: Context,
  step: Step,
  what: string,
  before: KubeObject | undefined,
  make: () => Promise<KubeObject>,
): Promise<KubeObject> {
  const subject = subjectOf(step);
  contests.ask(resource.metadata, subject, what);
  const object = await make();
  contests.wrote(resource.metadata, subject, what, before);
  return slim(object);
}

/** Only that very object: should another have come in its place, it stays. */
async function remove(
  {cluster, overlay, signal}: Context,
  type: ResourceType,
  object: KubeObject,
): Promise<void> {
  await cluster.delete(type, object.metadata, {
    uid: object.metadata.uid,
    propagationPolicy: 'Background',
    signal,
  });
  overlay.deleted(object);
}

/** Creates a Job; one of that name that is ours already is as good. */
async function run(
  cluster: Cluster,
  step: Extract<Step, {kind: 'run'}>,
  signal: AbortSignal,
): Promise<KubeObject> {
  try {
    return await cluster.create(step.type, step.desired, {fieldManager: MANAGER, strict: true, signal});
  } catch (error) {
    if (!isApiError(error, 409, 'AlreadyExists')) throw error;
    const there = await cluster.get<KubeObject>(step.type, step.desired.metadata, {signal});
    if (there === undefined || there.metadata.uid === step.supersedes?.metadata.uid) throw error;
    return own(cluster, {type: step.type, desired: step.desired, live: there, signal});
  }
}

/**
 * Key material, made once. Whether there is some already the API server itself says: a create never overwrites, so
 * whoever comes second takes what is there.
 */
async function mint({cluster, resource, signal}: Context): Promise<KubeObject> {
  return createOnce(cluster, stateSecret(instanceOf(resource), mintStateKey()), signal);
}
