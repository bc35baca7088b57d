import type {FraiseQLAuthStatus} from '../../api/v1alpha1/fraiseqlauth.ts';
import {parseOutcome} from '../../support/outcome.ts';
import {jobsOf, type Observed} from '../observed.ts';
import type {Problem} from '../problem.ts';
import {explainJobPod, lastLine, oneLine} from './pods.ts';
import {trueCondition, type Job, type Pod} from '../workloads.ts';
import {Known} from './known.ts';
import {explainUnmade} from './unmade-pod.ts';
import {attemptOf, podsOf, retryDelayMs, terminationMessage} from './attempts.ts';

/** Why a template was refused. */
type Cause = Pick<Problem, 'reason' | 'message' | 'hint'>;

/** How it stands with trying a template out. */
type Check =
  | {readonly state: 'Wanted'; readonly attempt: number; readonly supersedes?: Job}
  | {readonly state: 'Checking'; readonly problem?: Problem}
  | {readonly state: 'Waiting'; readonly attempt: number; readonly retryAt: number; readonly problem: Problem}
  | {readonly state: 'Passed'}
  | {
      readonly state: 'Failed';
      readonly cause: Cause;
      readonly attempt: number;
      readonly job: Job;
    };

/** Reasons that lie outside of what was tried out: it is tried again, with back-off. */
const PASSING: ReadonlySet<string> = new Set(['ProviderUnreachable']);

/** What a check that came to its end says; that is no word on one that did not. */
const SAID: ReadonlySet<string> = new Set([
  ...PASSING,
  'ConfigurationInvalid',
  'ProviderInvalid',
  'CheckFailed',
]);
/** Of a Job that did not end in its time. */
const LATE = 'DeadlineExceeded';

/** What the Job of that name found out. */
export function assessCheck(input: {
  readonly name: string;
  readonly observed: Observed;
  readonly status: FraiseQLAuthStatus | undefined;
  /** Why it was refused at a try before. */
  readonly refused: Cause | undefined;
  /** Milliseconds since the epoch. */
  readonly now: number;
}): Check {
  const {name, observed, now} = input;
  const job = jobsOf(observed).find((each) => each.metadata.name === name);
  if (job === undefined || job.metadata.deletionTimestamp !== undefined) return {state: 'Wanted', attempt: 1};
  if (trueCondition(job, 'Complete')) return {state: 'Passed'};
  const pods = podsOf(job, observed.pods);
  const failed = trueCondition(job, 'Failed');
  // A pod that is gone, or about to go, takes its reason along, which was told while it was there.
  const told = pods.every(({metadata}) => metadata.deletionTimestamp !== undefined)
    ? toldOf(job, input.status)
    : undefined;
  const held =
    pods
      // What has ended says why, and the Job a moment later.
      .filter((pod) => pod.status?.phase !== 'Failed' && terminationMessage(pod) === undefined)
      .map((pod) => explainJobPod(pod, now, observed.logLines.get(pod.metadata.uid ?? '')))
      .find((each) => each !== undefined) ?? told;
  if (failed === undefined) {
    const problem = held ?? explainUnmade(job, pods, now);
    return {state: 'Checking', ...(problem && {problem})};
  }
  const said = outcomeOf(pods);
  if (said?.providers !== undefined && noWorse(said.providers, observed)) return {state: 'Passed'};
  // A pod that never ran may be seen to go before its Job is, or after it; and a later try need not say it again.
  const before = input.refused !== undefined && SAID.has(input.refused.reason) ? undefined : input.refused;
  const late = failed.reason === LATE ? (held ?? before) : told;
  const cause = said?.cause ?? late ?? explainFailure(job, pods, failed);
  const {reason, message, hint} = cause;
  const attempt = attemptOf(job);
  const {uid = ''} = job.metadata;
  if (!PASSING.has(reason)) return {state: 'Failed', cause: {reason, message, hint}, attempt, job};
  const known = new Known(observed.firstSeen, {now, monotonic: observed.monotonic});
  const delayMs = retryDelayMs(attempt);
  if (known.for(uid, delayMs)) return {state: 'Wanted', attempt: attempt + 1, supersedes: job};
  const retryAt = known.at(uid, delayMs);
  const objectRef = {apiVersion: 'batch/v1', kind: 'Job', name};
  return {state: 'Waiting', attempt, retryAt, problem: {reason, message, hint, objectRef}};
}

function outcomeOf(pods: readonly Pod[]): {cause: Cause; providers: unknown} | undefined {
  for (const pod of pods) {
    const outcome = parseOutcome(terminationMessage(pod) ?? '');
    if (outcome === undefined || outcome.ok) continue;
    const {reason, message, hint, detail} = outcome;
    return {
      cause: {reason, message: oneLine(message), hint: oneLine(hint)},
      providers: detail?.['providers'],
    };
  }
  return undefined;
}

/**
 * What fails for the pods that serve as well is not the change's fault, and a change must not have to wait for it: it
 * may be the very one that is needed.
 */
function noWorse(providers: unknown, {health}: Observed): boolean {
  if (!Array.isArray(providers) || providers.length === 0) return false;
  const failing = new Set(health?.errors.map(({dependency}) => dependency));
  return providers.every((name) => failing.has(`provider:${String(name)}`));
}

/** What the status said of the Job, or of its pod, last. */
function toldOf({metadata: {name}}: Job, status: FraiseQLAuthStatus | undefined): Problem | undefined {
  const told = status?.blockedOn?.find(
    ({objectRef: of}) =>
      (of?.kind === 'Pod' && of.name.startsWith(`${name}-`)) || (of?.kind === 'Job' && of.name === name),
  );
  if (told === undefined) return undefined;
  const {reason, message, objectRef} = told;
  // The time of a try that is over by now.
  const hint = (told.hint ?? '').replace(/ ?It is tried again at \S+$/, '');
  return {reason, message, hint, ...(objectRef && {objectRef})};
}

function explainFailure(job: Job, pods: readonly Pod[], failed: {reason?: string; message?: string}): Cause {
  const {name} = job.metadata;
  const logs = `See: kubectl logs job/${name} -n ${job.metadata.namespace ?? ''}`;
  if (failed.reason === LATE) {
    return {
      reason: 'ProgressDeadlineExceeded',
      message: `Job ${name}, which checks the change, did not end within spec.rollout.progressDeadline`,
      hint: `Raise spec.rollout.progressDeadline, or find out what delays its pod. ${logs}`,
    };
  }
  const said = lastLine(pods.map(terminationMessage).find((each) => each !== undefined));
  return {
    reason: 'CheckFailed',
    message: `Job ${name}, which checks the change, failed: ${said ?? oneLine(failed.message ?? failed.reason ?? 'no reason given')}`,
    hint: logs,
  };
}
