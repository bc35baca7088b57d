import {timeZoneProblem} from '../../api/v1alpha1/check.ts';
import {cronProblem, nextRun as nextOf} from '../../api/v1alpha1/cron.ts';
import type {FraiseQLAuthStatus} from '../../api/v1alpha1/fraiseqlauth.ts';
import type {Condition} from '../../api/v1alpha1/status.ts';
import type {ResolvedBackup} from '../../api/v1alpha1/resolve.ts';
import {controllerOf} from '../../kube/objects.ts';
import {parseOutcome, type Outcome} from '../../support/outcome.ts';
import {podsOf} from '../decide/attempts.ts';
import {explainJobPod, lastLine, oneLine} from '../decide/pods.ts';
import {jobsOf, type Observed} from '../observed.ts';
import {sentence, type Problem} from '../problem.ts';
import {timestamp} from '../timestamp.ts';
import {trueCondition, type CronJob, type Job} from '../workloads.ts';
import {isFalse, isTrue, isUnknown, type Finding} from './conditions.ts';

type BackupStatus = NonNullable<FraiseQLAuthStatus['backup']>;

/** How late a backup may be before that is worth a word. */
const GRACE_MS = 2 * 3_600_000;

/** How backups stand. */
export interface BackupFinding {
  readonly status: BackupStatus | undefined;
  readonly condition: Finding;
}

/** Reasons that say that none are made. */
const NONE_MADE: ReadonlySet<string | undefined> = new Set(['Suspended', 'Disabled']);

/** What is judged. */
interface Asked {
  readonly backup: ResolvedBackup | undefined;
  /** The service hibernates, and its backups with it. */
  readonly asleep: boolean;
  readonly conditionBefore: Condition | undefined;
  readonly cronJob: CronJob | undefined;
  /** When the Deployment was made, RFC 3339; undefined while there is none. */
  readonly deployed: string | undefined;
  readonly observed: Observed;
  readonly before: BackupStatus | undefined;
  readonly problems: readonly Problem[];
  readonly now: number;
}

/**
 * How backups stand, from the Jobs that there still are and from what was known before: Jobs vanish, the status keeps
 * what they said. `now` is milliseconds since the epoch.
 */
export function assessBackup(input: Asked): BackupFinding {
  const {asleep, cronJob, observed, before, problems, now} = input;
  const backup = input.backup && asItIs(input.backup, cronJob, asleep);
  const jobs = backupJobs(observed);
  const ended = endsOf(jobs, observed, before);
  const {lastSuccess: kept} = ended;
  // What was due while none were made, or by a schedule that was none then, is not overdue.
  const none = NONE_MADE.has(input.conditionBefore?.reason);
  const again = backup?.suspend === false && (none || isRescheduled(backup, before?.next, now));
  const resumed = again ? timestamp(now) : before?.resumed;
  const status: BackupStatus = {
    ...pick('resumed', kept !== undefined && resumed !== undefined && kept > resumed ? undefined : resumed),
    ...ended,
    ...(backup && !backup.suspend && cronJob && pick('next', nextRun(backup, now))),
  };
  const known = Object.keys(status).length > 0 ? status : undefined;
  const [problem] = problems;
  if (problem) return {status: known, condition: isFalse(problem.reason, sentence(problem))};
  if (backup === undefined) {
    return {
      status: known,
      condition: isUnknown('Disabled', 'The spec has no backups. Set spec.backup to have them'),
    };
  }
  return {
    status: known,
    condition: condition({...backup, whySuspended: why(input)}, input, jobs, status),
  };
}

/** What the CronJob does, whatever the spec asks of it by now: while nothing may be changed the two differ for long. */
function asItIs(backup: ResolvedBackup, cronJob: CronJob | undefined, asleep: boolean): ResolvedBackup {
  if (cronJob === undefined) return {...backup, suspend: backup.suspend || asleep};
  const {schedule = backup.schedule, timeZone = backup.timeZone, suspend = false} = cronJob.spec ?? {};
  const same = schedule === backup.schedule && timeZone === backup.timeZone;
  // What somebody has written there by hand may be nothing that can be read here.
  const readable = same || (cronProblem(schedule) ?? timeZoneProblem(timeZone)) === undefined;
  return {...backup, ...(readable && {schedule, timeZone}), suspend};
}

/** Conditions that hang on how backups end, and on nothing that the spec says. */
const BY_ENDS: ReadonlySet<string> = new Set(['Failed', 'Succeeded', 'WaitingForFirst']);

/**
 * How backups stand while the spec is not valid: the CronJob that there is goes on, and its Jobs say how they ended. The
 * condition is undefined where it stays as it was.
 */
export function backupGoesOn(input: {
  readonly observed: Observed;
  readonly before: BackupStatus | undefined;
  readonly condition: Finding | undefined;
  readonly now: number;
}): {readonly status: BackupStatus | undefined; readonly condition: Finding | undefined} {
  const {observed, before, condition: known, now} = input;
  const ended = endsOf(backupJobs(observed), observed, before);
  const next = Date.parse(before?.next ?? '') > now ? before?.next : undefined;
  const status: BackupStatus = {...pick('resumed', before?.resumed), ...ended, ...pick('next', next)};
  return {
    status: Object.keys(status).length > 0 ? status : undefined,
    condition: known !== undefined && BY_ENDS.has(known.reason) ? lastEnded(ended) : undefined,
  };
}

function backupJobs(observed: Observed): Job[] {
  return jobsOf(observed).filter(
    (each) => each.metadata.labels?.['app.kubernetes.io/component'] === 'backup',
  );
}

type Ends = Pick<
  BackupStatus,
  'lastSuccess' | 'lastLocation' | 'lastWarning' | 'lastFailure' | 'lastFailureMessage'
>;

/** How backups ended last, from the Jobs that there still are, and else as it was known before. */
function endsOf(jobs: readonly Job[], observed: Observed, before: BackupStatus | undefined): Ends {
  const ended = jobs.flatMap((job) => finished(job, observed));
  const [done, failed] = [newest(ended, 'ok'), newest(ended, 'failed')];
  const kept = later(before?.lastSuccess, done?.at);
  const success = kept === before?.lastSuccess ? undefined : done;
  const failure = later(before?.lastFailure, failed?.at) === before?.lastFailure ? undefined : failed;
  return {
    ...(kept && {lastSuccess: kept}),
    ...pick('lastLocation', success ? success.location : before?.lastLocation),
    ...pick('lastWarning', success ? success.warning : before?.lastWarning),
    ...pick('lastFailure', failure?.at ?? before?.lastFailure),
    ...pick('lastFailureMessage', failure ? failure.message : before?.lastFailureMessage),
  };
}

function condition(
  backup: ResolvedBackup & {readonly whySuspended: string},
  {cronJob, deployed, observed, now}: Pick<Asked, 'cronJob' | 'deployed' | 'observed' | 'now'>,
  jobs: readonly Job[],
  status: BackupStatus,
): Finding {
  const {lastSuccess} = status;
  const running = jobs.find((each) => !trueCondition(each, 'Complete') && !trueCondition(each, 'Failed'));
  if (running) {
    const stuck = observed.pods
      .filter((pod) => controllerOf(pod)?.uid === running.metadata.uid)
      .map((pod) => explainJobPod(pod, now))
      .find((each) => each !== undefined);
    if (stuck) return isFalse('Failed', `The backup cannot run. ${stuck.message}. ${stuck.hint}`);
  }
  const ended = lastEnded(status);
  if (ended?.status === 'False') return ended;
  if (backup.suspend) {
    return isUnknown('Suspended', backup.whySuspended);
  }
  const since = Math.max(
    Date.parse(status.resumed ?? '') || 0,
    // Where nothing makes them they are missed as well.
    Date.parse(lastSuccess ?? cronJob?.metadata.creationTimestamp ?? deployed ?? ''),
  );
  const due = Number.isNaN(since) ? undefined : nextRun(backup, since);
  if (due !== undefined && now > Date.parse(due) + GRACE_MS) {
    return isFalse(
      'Overdue',
      `No backup has succeeded since ${lastSuccess ?? (cronJob ? 'the schedule began' : 'the service was deployed, and there is no CronJob')}, though one was due at ${due}. See: kubectl get jobs -l app.kubernetes.io/component=backup`,
    );
  }
  if (ended !== undefined) return ended;
  const unmade = `once ${deployed === undefined ? 'the service is deployed' : 'its CronJob is made'}`;
  const next = cronJob === undefined ? unmade : `at ${nextRun(backup, now) ?? 'no time that ever comes'}`;
  return isUnknown('WaitingForFirst', `The first backup is due ${next}`);
}

/** Why no backups are made, where none are. */
function why({backup, asleep, cronJob}: Asked): string {
  if (asleep) return 'spec.runState is Hibernated: no backups are made, since nothing changes';
  if (backup?.suspend === true) return 'spec.backup.suspend is true: no backups are made';
  return `CronJob ${cronJob?.metadata.name ?? ''} is suspended: no backups are made`;
}

/** What the last backup came to; undefined where none has ended. */
function lastEnded(ends: Ends): Finding | undefined {
  const {lastSuccess, lastFailure, lastFailureMessage, lastLocation, lastWarning} = ends;
  if (lastFailure && (lastSuccess === undefined || Date.parse(lastFailure) > Date.parse(lastSuccess))) {
    const good = lastSuccess ? `The last good one is of ${lastSuccess}` : 'There is no good one yet';
    return isFalse(
      'Failed',
      `The backup of ${lastFailure} failed: ${lastFailureMessage ?? 'no reason given'}. ${good}; the schedule tries again`,
    );
  }
  if (lastSuccess === undefined) return undefined;
  return isTrue(
    'Succeeded',
    `The last backup, of ${lastSuccess}, succeeded${lastLocation ? `: ${lastLocation}` : ''}${lastWarning ? `. But ${lastWarning}` : ''}`,
  );
}

// Reading a schedule in a time zone costs more than all else of a status: the answer holds until that time has come.
const known = new Map<string, {from: number; next: number | undefined}>();
const MAX_KNOWN = 4096;

/** When the schedule fires next after `after` (milliseconds since the epoch), RFC 3339 to the second. */
function nextRun(
  {schedule, timeZone}: Pick<ResolvedBackup, 'schedule' | 'timeZone'>,
  after: number,
): string | undefined {
  const id = `${timeZone} ${schedule}`;
  const last = known.get(id);
  if (last !== undefined && after >= last.from && after < (last.next ?? Infinity)) {
    return last.next === undefined ? undefined : timestamp(last.next);
  }
  const next = nextOf(schedule, new Date(after), timeZone)?.getTime();
  known.set(id, {from: after, next});
  if (known.size > MAX_KNOWN) known.delete(known.keys().next().value ?? '');
  return next === undefined ? undefined : timestamp(next);
}

/** Whether the schedule is another than the one by which the next backup was told. */
function isRescheduled(backup: ResolvedBackup, told: string | undefined, now: number): boolean {
  // Once its time has come it says nothing any more.
  return told !== undefined && Date.parse(told) > now && nextRun(backup, now) !== told;
}

interface Finished {
  readonly result: 'ok' | 'failed';
  readonly at: string;
  readonly location?: string;
  readonly warning?: string;
  readonly message?: string;
}

/** How a Job ended; nothing where it runs still, or did something other than a backup: a restore that was made of it. */
function finished(job: Job, observed: Observed): Finished[] {
  const outcome = outcomeOf(job, observed);
  if (outcome !== undefined && outcome.kind !== 'backup') return [];
  const complete = trueCondition(job, 'Complete');
  if (complete) {
    // Without its own word nobody knows what it did.
    if (outcome?.ok !== true) return [];
    const {detail} = outcome;
    const at = job.status?.completionTime ?? complete.lastTransitionTime;
    const {location, warning} = detail;
    if (at === undefined) return [];
    return [
      {
        result: 'ok',
        at,
        ...(typeof location === 'string' && {location: location.slice(0, 1024)}),
        ...(typeof warning === 'string' && {warning: oneLine(warning)}),
      },
    ];
  }
  const failed = trueCondition(job, 'Failed');
  if (failed?.lastTransitionTime === undefined) return [];
  const message =
    outcome?.ok === false
      ? `${outcome.reason}: ${oneLine(outcome.message)} ${oneLine(outcome.hint)}`.trim()
      : `Job ${job.metadata.name} failed: ${oneLine(failed.message ?? failed.reason ?? 'no reason given')}`;
  return [{result: 'failed', at: failed.lastTransitionTime, message}];
}

function outcomeOf(job: Job, observed: Observed): Outcome | undefined {
  const messages = podsOf(job, observed.pods)
    .flatMap((pod) => pod.status?.containerStatuses ?? [])
    .map((each) => each.state?.terminated?.message);
  for (const message of messages) {
    const outcome = message === undefined ? undefined : (parseOutcome(message) ?? plain(message));
    if (outcome) return outcome;
  }
  return undefined;
}

/** A container that ended without a word of its own: its last log line has to do. */
function plain(message: string): Outcome | undefined {
  const line = lastLine(message);
  return line === undefined
    ? undefined
    : {ok: false, kind: 'backup', reason: 'BackupFailed', message: line, hint: ''};
}

function newest(all: readonly Finished[], result: Finished['result']): Finished | undefined {
  return all.filter((each) => each.result === result).sort((a, b) => Date.parse(b.at) - Date.parse(a.at))[0];
}

function later(a: string | undefined, b: string | undefined): string | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return Date.parse(b) > Date.parse(a) ? b : a;
}

function pick<K extends keyof BackupStatus>(key: K, value: BackupStatus[K]): Pick<BackupStatus, K> | object {
  return value === undefined ? {} : {[key]: value};
}
