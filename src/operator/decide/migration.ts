import type {FraiseQLAuthStatus} from '../../api/v1alpha1/fraiseqlauth.ts';
import type {KubeObject} from '../../kube/objects.ts';
import {parseOutcome} from '../../support/outcome.ts';
import {jobsOf, type Observed} from '../observed.ts';
import type {Problem} from '../problem.ts';
import {explainJobPod, lastLine, oneLine} from './pods.ts';
import {trueCondition, type Job, type Pod} from '../workloads.ts';
import {Known} from './known.ts';
import {explainUnmade, toldUnmade} from './unmade-pod.ts';
import {attemptOf, GENERATION, podsOf, retryDelayMs, terminationMessage} from './attempts.ts';

/** How it stands with bringing one database to one schema. */
export type Migration =
  /** It is there, at the version `schema`. */
  | {readonly state: 'Done'; readonly schema: string}
  /** There is no Job for it yet. */
  | {readonly state: 'Wanted'; readonly attempt: number; readonly supersedes?: Job}
  /** A Job is at it; `problem` is what keeps its pod from running. */
  | {readonly state: 'Running'; readonly job: Job; readonly attempt: number; readonly problem?: Problem}
  /** The last Job failed, and the next comes at `retryAt` (milliseconds since the epoch). */
  | {
      readonly state: 'Failed';
      readonly job: Job;
      readonly attempt: number;
      readonly retryAt: number;
      readonly problem: Problem;
    };

/** What is known of the migration that `desired` is the Job for. */
export function assessMigration(input: {
  readonly desired: KubeObject;
  readonly generation: number;
  /** What our own image needs. */
  readonly target: string;
  readonly databaseHash: string;
  readonly observed: Observed;
  readonly status: FraiseQLAuthStatus | undefined;
  readonly now: number;
}): Migration {
  const {desired, observed, now} = input;
  const name = desired.metadata.name;
  const job = jobsOf(observed).find((each) => each.metadata.name === name);
  const remembered = input.status?.schema;
  const done =
    remembered?.job === name &&
    remembered.current === remembered.target &&
    remembered.database === input.databaseHash
      ? remembered.current
      : undefined;
  if (job === undefined || job.metadata.deletionTimestamp !== undefined) {
    if (done !== undefined && !hasVanished(observed, schemaSeenId(input.status)))
      return {state: 'Done', schema: done};
    // The Job of the last try may have been deleted just before a restart; the status still counts it.
    const tried = remembered?.job === name ? (remembered.attempts ?? 0) : 0;
    return {state: 'Wanted', attempt: tried + 1};
  }
  const complete = trueCondition(job, 'Complete') !== undefined;
  if (complete && hasVanished(observed, job.metadata.uid)) {
    return {state: 'Wanted', attempt: 1, supersedes: job};
  }
  const pods = podsOf(job, observed.pods);
  // Pods go before their Job does; what it said was written down then. Without either it is what we know of our image.
  if (complete) return {state: 'Done', schema: schemaSaid(pods) ?? done ?? input.target};

  const attempt = attemptOf(job);
  const specChanged = job.metadata.annotations?.[GENERATION] !== String(input.generation);
  const failed = trueCondition(job, 'Failed');
  if (failed === undefined) {
    const problem =
      pods
        .map((pod) => explainJobPod(pod, now, observed.logLines.get(pod.metadata.uid ?? '')))
        .find((each) => each !== undefined) ??
      explainUnmade(job, pods, now) ??
      (pods.length === 0 ? toldUnmade(job, input.status) : undefined);
    // One that cannot start because of what the spec said before makes room for what it says now.
    if (specChanged && problem !== undefined) return {state: 'Wanted', attempt: 1, supersedes: job};
    return {state: 'Running', job, attempt, ...(problem && {problem})};
  }
  const {uid = ''} = job.metadata;
  const known = new Known(observed.firstSeen, {now, monotonic: observed.monotonic});
  const delayMs = retryDelayMs(attempt);
  if (specChanged || known.for(uid, delayMs))
    return {state: 'Wanted', attempt: specChanged ? 1 : attempt + 1, supersedes: job};
  const retryAt = known.at(uid, delayMs);
  return {state: 'Failed', job, attempt, retryAt, problem: explainFailure(job, pods, failed, input.status)};
}

/**
 * The pods found the schema gone, or older, after the migration had ended: the database was emptied, or a backup was
 * restored into it. What they said is dated by when they first said so, so one migration follows from it, not one after
 * the other. Both times are this process's own: the cluster's clock may be another.
 */
function hasVanished({health, firstSeen}: Observed, migrated: string | undefined): boolean {
  const missing = health?.errors.some(
    ({dependency, reason}) =>
      dependency === 'database' && (reason === 'schema_missing' || reason === 'schema_outdated'),
  );
  const migratedMs = firstSeen.get(migrated ?? '')?.monotonic ?? Infinity;
  return health !== undefined && missing === true && health.sinceMs > migratedMs;
}

/** The version that the Job says it brought: another image may know another than ours. */
function schemaSaid(pods: readonly Pod[]): string | undefined {
  for (const pod of pods) {
    const outcome = parseOutcome(terminationMessage(pod) ?? '');
    const said = outcome?.ok === true ? outcome.detail['schema'] : undefined;
    if (typeof said === 'string' && /^[\w.-]{1,64}$/.test(said)) return said;
  }
  return undefined;
}

function explainFailure(
  job: Job,
  pods: readonly Pod[],
  failed: {reason?: string; message?: string},
  status: FraiseQLAuthStatus | undefined,
): Problem {
  const objectRef = {apiVersion: 'batch/v1', kind: 'Job', name: job.metadata.name};
  for (const pod of pods) {
    const text = terminationMessage(pod);
    const outcome = text === undefined ? undefined : parseOutcome(text);
    if (outcome && !outcome.ok) {
      return {
        reason: outcome.reason,
        message: oneLine(outcome.message),
        hint: oneLine(outcome.hint),
        objectRef,
      };
    }
  }
  const logs = `See: kubectl logs job/${job.metadata.name} -n ${job.metadata.namespace ?? ''}`;
  if (failed.reason === 'DeadlineExceeded') {
    const unmade = pods.length === 0 ? toldUnmade(job, status) : undefined;
    if (unmade !== undefined) return unmade;
    return {
      reason: 'MigrationTimedOut',
      message: `Migration Job ${job.metadata.name} did not end within spec.migrations.timeout`,
      hint: `Raise spec.migrations.timeout, or find out what delays it. ${logs}`,
      objectRef,
    };
  }
  const said = lastLine(pods.map(terminationMessage).find((each) => each !== undefined));
  return {
    reason: 'MigrationFailed',
    message: `Migration Job ${job.metadata.name} failed: ${said ?? oneLine(failed.message ?? failed.reason ?? 'no reason given')}`,
    hint: logs,
    objectRef,
  };
}

/** Under which a schema is seen that the status says is current, when its Job may be gone. */
export function schemaSeenId(status: FraiseQLAuthStatus | undefined): string | undefined {
  const current = status?.conditions?.find((each) => each.type === 'SchemaCurrent');
  // The time only tells one such state from the next.
  return current?.status === 'True' ? `schema since ${current.lastTransitionTime}` : undefined;
}
