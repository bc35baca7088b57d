import type {Problem} from '../problem.ts';
import type {Observed} from '../observed.ts';
import {explainPod, isReady} from './pods.ts';
import {isOfServer, serves, type Deployment, type Pod, type ReplicaSet} from '../workloads.ts';
import {explainReplicas} from './unmade-pod.ts';

/** How the pods stand. */
export interface Rollout {
  readonly state: 'NotDeployed' | 'Complete' | 'InProgress' | 'Stuck';
  /** Pods that are wanted, that there are, and that answer. */
  readonly desired: number;
  readonly replicas: number;
  readonly ready: number;
  /** Pods of the newest template that answer, now and for as long as they have to in a row, and pods of older ones that are still there. */
  readonly newReady: number;
  readonly newAvailable: number;
  readonly old: number;
  /** Pods of older templates that answer. */
  readonly oldReady: number;
  /** Whether the Deployment controller has waited for progress as long as spec.rollout.progressDeadline. */
  readonly late: boolean;
  /** Why a pod does not run: of the newest template's first. */
  readonly problem: Problem | undefined;
}

/** Reads a Deployment, its ReplicaSets and pods. `now` is milliseconds since the epoch. */
export function assessRollout(
  live: Deployment | undefined,
  observed: Pick<Observed, 'pods' | 'replicaSets' | 'logLines'>,
  now: number,
): Rollout {
  if (live === undefined) {
    return {
      state: 'NotDeployed',
      desired: 0,
      replicas: 0,
      ready: 0,
      newReady: 0,
      newAvailable: 0,
      old: 0,
      oldReady: 0,
      late: false,
      problem: undefined,
    };
  }
  // One that was evicted or has ended is replaced, and says nothing of what runs.
  const pods = observed.pods.filter(serves);
  const desired = live.spec?.replicas ?? 1;
  const status = live.status ?? {};
  const newest = newestReplicaSet(live, observed.replicaSets);
  const seen = (status.observedGeneration ?? 0) >= (live.metadata.generation ?? 0);
  const counts = newest
    ? {
        newReady: newest.status?.readyReplicas ?? 0,
        newAvailable: newest.status?.availableReplicas ?? 0,
        old: sum(observed.replicaSets.filter((each) => each !== newest && ownedBy(each, live)).map(podsIn)),
      }
    : {
        newReady: seen ? Math.min(status.updatedReplicas ?? 0, status.readyReplicas ?? 0) : 0,
        newAvailable: seen ? Math.min(status.updatedReplicas ?? 0, status.availableReplicas ?? 0) : 0,
        old: Math.max(0, (status.replicas ?? 0) - (seen ? (status.updatedReplicas ?? 0) : 0)),
      };
  const problem = worst(pods, newest, observed.logLines, now) ?? explainReplicas(live);
  const late = status.conditions?.find(
    (each) =>
      each.type === 'Progressing' && each.status === 'False' && each.reason === 'ProgressDeadlineExceeded',
  );
  const complete = counts.old === 0 && counts.newAvailable >= desired && (newest !== undefined || seen);
  // Where the ReplicaSets are known all counts are theirs: the Deployment's own lag behind, and would contradict them.
  const own = newest ? observed.replicaSets.filter((each) => ownedBy(each, live)) : undefined;
  const base = {
    desired,
    replicas: own ? sum(own.map((each) => each.status?.replicas ?? 0)) : (status.replicas ?? 0),
    ready: own ? sum(own.map((each) => each.status?.readyReplicas ?? 0)) : (status.readyReplicas ?? 0),
    ...counts,
    oldReady: newest
      ? sum((own ?? []).filter((each) => each !== newest).map((each) => each.status?.readyReplicas ?? 0))
      : Math.max(0, (status.readyReplicas ?? 0) - (status.updatedReplicas ?? 0)),
    late: late !== undefined && seen,
  };
  if (complete) return {...base, state: 'Complete', problem: undefined};
  if (problem) return {...base, state: 'Stuck', problem};
  if (base.late) {
    return {
      ...base,
      state: 'Stuck',
      problem: {
        reason: 'ProgressDeadlineExceeded',
        message: `The roll-out of Deployment ${live.metadata.name} made no progress within spec.rollout.progressDeadline`,
        hint: `See: kubectl describe deployment ${live.metadata.name} -n ${live.metadata.namespace ?? ''}`,
        objectRef: {apiVersion: 'apps/v1', kind: 'Deployment', name: live.metadata.name},
      },
    };
  }
  return {...base, state: 'InProgress', problem: undefined};
}

/** Whether all pods that are wanted are there, of the newest template, and no others. */
export function runsEverywhere(
  live: Deployment,
  observed: Pick<Observed, 'pods' | 'replicaSets' | 'logLines'>,
): boolean {
  // What is wrong with pods, which depends on the time, is of no account here.
  const {state, desired} = assessRollout(live, observed, 0);
  return state === 'Complete' && desired > 0;
}

/** Annotation of ours on a ReplicaSet kept in a store: the hash of its template; see `templateHash`. */
export const TEMPLATE_HASH = 'templateHash';

/** The ReplicaSet of the Deployment's present template; undefined while there is none, or none is known. */
function newestReplicaSet(live: Deployment, sets: readonly ReplicaSet[]): ReplicaSet | undefined {
  const revision = live.metadata.annotations?.['deployment.kubernetes.io/revision'];
  const wanted = live[TEMPLATE_HASH];
  return sets.find(
    (each) =>
      ownedBy(each, live) &&
      (wanted === undefined || each[TEMPLATE_HASH] === undefined
        ? revision !== undefined &&
          each.metadata.annotations?.['deployment.kubernetes.io/revision'] === revision
        : each[TEMPLATE_HASH] === wanted),
  );
}

function worst(
  pods: readonly Pod[],
  newest: ReplicaSet | undefined,
  logLines: ReadonlyMap<string, string>,
  now: number,
): Problem | undefined {
  const isNew = (pod: Pod): boolean =>
    newest === undefined ||
    pod.metadata.ownerReferences?.some((owner) => owner.uid === newest.metadata.uid) === true;
  const ordered = [...pods.filter(isNew), ...pods.filter((pod) => !isNew(pod))];
  for (const pod of ordered) {
    const problem = explainPod(pod, now, logLines.get(pod.metadata.uid ?? ''));
    if (problem) return problem;
  }
  return undefined;
}

/** Pods that answer, as the pods themselves say; for a word on what still serves. */
export function readyPods(observed: Pick<Observed, 'pods'>): number {
  return observed.pods.filter((pod) => isOfServer(pod) && isReady(pod)).length;
}

function ownedBy(set: ReplicaSet, live: Deployment): boolean {
  return set.metadata.ownerReferences?.some((owner) => owner.uid === live.metadata.uid) === true;
}

function podsIn(set: ReplicaSet): number {
  return Math.max(set.spec?.replicas ?? 0, set.status?.replicas ?? 0);
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, each) => total + each, 0);
}
