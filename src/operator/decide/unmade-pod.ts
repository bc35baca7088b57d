import type {FraiseQLAuthStatus} from '../../api/v1alpha1/fraiseqlauth.ts';
import type {Problem} from '../problem.ts';
import {trueCondition, type Deployment, type Job, type Pod} from '../workloads.ts';
import {oneLine} from './pods.ts';

// Pods that are wanted and not there: nothing of their own says why.

/** How long a Job may be without a pod before it is worth a word. */
const UNMADE_MS = 10_000;
const REFUSED = 'Most often a ResourceQuota, a LimitRange or an admission policy refuses it';

/** Why pods of the Deployment cannot be created, in the API server's words. */
export function explainReplicas(live: Deployment): Problem | undefined {
  const failure = trueCondition(live, 'ReplicaFailure');
  if (failure === undefined) return undefined;
  const {name, namespace = ''} = live.metadata;
  return {
    reason: 'PodNotCreated',
    message: `Pods of Deployment ${name} cannot be created: ${oneLine(failure.message ?? failure.reason ?? 'no reason given')}`,
    hint: `${REFUSED}. See: kubectl describe replicaset -n ${namespace}`,
    objectRef: {apiVersion: 'apps/v1', kind: 'Deployment', name},
  };
}

/** Why a Job that has not ended has no pod. `now` is milliseconds since the epoch, `pods` are its own. */
export function explainUnmade(job: Job, pods: readonly Pod[], now: number): Problem | undefined {
  const {name, namespace = '', creationTimestamp} = job.metadata;
  const objectRef = {apiVersion: 'batch/v1', kind: 'Job', name};
  if (job.spec?.suspend === true) {
    return {
      reason: 'JobSuspended',
      message: `Job ${name} is suspended, so it does not run`,
      hint: `A queue such as Kueue lets it run in its turn; where there is none: kubectl patch job ${name} -n ${namespace} --type=merge -p '{"spec":{"suspend":false}}'`,
      objectRef,
    };
  }
  const since = Date.parse(job.status?.startTime ?? creationTimestamp ?? '');
  // NaN where it does not say since when: nothing follows from that.
  if (pods.length > 0 || hadPod(job) || !(now - since >= UNMADE_MS)) return undefined;
  return {
    reason: 'PodNotCreated',
    message: `No pod of Job ${name} has been created`,
    hint: `${REFUSED}. See: kubectl describe job ${name} -n ${namespace}`,
    objectRef,
  };
}

/** Whether it had one: that it has none now is its end, of which its conditions and counts tell one after the other. */
function hadPod(job: Job): boolean {
  const {active = 0, failed = 0, succeeded = 0, terminating = 0} = job.status ?? {};
  return active + failed + succeeded + terminating > 0 || trueCondition(job, 'FailureTarget') !== undefined;
}

/** That a Job whose time is over never had a pod, where the status said so while it ran. */
export function toldUnmade(
  {metadata: {name}}: Job,
  status: FraiseQLAuthStatus | undefined,
): Problem | undefined {
  const told = status?.blockedOn?.find(
    ({reason, objectRef}) =>
      reason === 'PodNotCreated' && objectRef?.kind === 'Job' && objectRef.name === name,
  );
  if (told === undefined) return undefined;
  const {reason, message, hint = '', objectRef} = told;
  return {reason, message, hint, ...(objectRef && {objectRef})};
}
