import type {FraiseQLAuthStatus} from '../../api/v1alpha1/fraiseqlauth.ts';
import type {ResolvedSpec} from '../../api/v1alpha1/resolve.ts';
import {recordIn} from '../../support/record.ts';
import {ANNOTATION} from '../desired/children.ts';
import type {ServerTemplate} from '../desired/deployment.ts';
import {shortHash} from '../desired/hash.ts';
import {jobsOf, type Observed} from '../observed.ts';
import type {Problem} from '../problem.ts';
import {assessRollout} from './rollout.ts';
import type {Deployment, Job} from '../workloads.ts';
import {attemptOf} from './attempts.ts';
import {assessCheck} from './check.ts';
import {refusalIn, refusalSeenId, REFUSED, restMs, type Refusal} from './refusal.ts';

// What may replace a pod. The Deployment itself remembers, in annotations that are written together with its template:
// so no state is lost with the operator, and none can contradict what runs.

/** The hash of the template that the Deployment was given. */
export const TEMPLATE = `${ANNOTATION}/template`;
/** The last template that ran everywhere, as JSON: what a roll-out that fails goes back to. */
const PROVEN = `${ANNOTATION}/proven-template`;

/** A template too large to be remembered beside its own Deployment; there is no way back to it then. */
const MAX_REMEMBERED = 100_000;

/** How a template came to run everywhere. */
interface Remembered {
  readonly hash: string;
  readonly template: ServerTemplate;
}

/** Whether the template that the spec asks for may run. */
export type Proof =
  /** It may. */
  | {readonly state: 'Roll'}
  /** It is to be tried out first, by a Job that is not there yet. */
  | {readonly state: 'Wanted'; readonly attempt: number; readonly supersedes?: Job}
  /** The Job is at it; `problem` is what keeps its pod from running. */
  | {readonly state: 'Checking'; readonly problem?: Problem}
  /** Something outside failed, and the next try comes at `retryAt` (milliseconds since the epoch). */
  | {readonly state: 'Waiting'; readonly attempt: number; readonly retryAt: number; readonly problem: Problem}
  /** It failed, and rests until it is tried again. */
  | {readonly state: 'Refused'; readonly refusal: Refusal; readonly next: Next};

/** The next try of what was refused: at a time (milliseconds since the epoch), by a Job to be made, or by one at it. */
type Next =
  | {readonly state: 'Resting'; readonly retryAt: number}
  | {readonly state: 'Wanted'; readonly attempt: number; readonly supersedes?: Job}
  | {readonly state: 'Trying'};

/** What is known of a template that is asked for, and what follows of it. */
export interface Assessed {
  readonly proof: Proof;
  /** The hash of the template that is asked for. */
  readonly hash: string;
  /** What the Deployment is to say of it, where it is given that template. */
  readonly annotations: Readonly<Record<string, string>>;
  /** What is to run meanwhile, where it is not. Undefined: whatever runs is left as it is. */
  readonly kept:
    | {readonly template: ServerTemplate; readonly annotations: Record<string, string>}
    | undefined;
  /** The template to go back to, so that nothing that it needs is removed. */
  readonly proven: Remembered | undefined;
}

interface Question {
  readonly template: ServerTemplate;
  readonly rollout: ResolvedSpec['rollout'];
  readonly live: Deployment | undefined;
  /** The name of the Job that tries a template out. */
  readonly jobName: (hash: string) => string;
  readonly observed: Observed;
  readonly status: FraiseQLAuthStatus | undefined;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

/** The last template that ran everywhere, where the Deployment remembers one. */
export function provenTemplate({metadata}: Deployment): ServerTemplate | undefined {
  return provenIn(metadata.annotations?.[PROVEN])?.template;
}

/** Whether the Deployment was given the template of that hash. */
export function isGiven(live: Deployment | undefined, hash: string | undefined): boolean {
  return hash !== undefined && live?.metadata.annotations?.[TEMPLATE] === hash;
}

/**
 * What ran everywhere last, where the Deployment was given nothing else since, with all that it says of it: to give it
 * that once more replaces no pod. Undefined while another template is rolled out.
 */
export function provenAndGiven({metadata: {annotations = {}}}: Deployment): Assessed['kept'] {
  const proven = provenIn(annotations[PROVEN]);
  if (proven === undefined || annotations[TEMPLATE] !== proven.hash) return undefined;
  const said = [TEMPLATE, PROVEN, REFUSED].flatMap((name) => {
    const value = annotations[name];
    return value === undefined ? [] : [[name, value] as const];
  });
  return {template: proven.template, annotations: Object.fromEntries(said)};
}

/** Whether the template may run, and what runs where it may not. */
export function assessProof(question: Question): Assessed {
  const {template, live} = question;
  const hash = shortHash(template);
  const itself = remembered({hash, template});
  if (live === undefined) return rolling(hash, itself);
  const given = live.metadata.annotations?.[TEMPLATE];
  const text = live.metadata.annotations?.[PROVEN];
  if (given === hash) return running(question, hash, itself, text);

  const proven = provenIn(text);
  // What ran everywhere may always come back.
  if (proven?.hash === hash) return rolling(hash, itself, proven);
  const refused = refusalIn(live, hash);
  const refuse = (refusal: Refusal, next: Next): Assessed =>
    keeping(hash, {state: 'Refused', refusal, next}, proven, text, refusal);
  const {rollout, status, jobName, now} = question;
  // If nothing ever served there is nothing to protect, and a check would only delay a correction.
  const checked = rollout.check !== 'Never' && status?.version?.current !== undefined;
  const again = refused && nextTry(question, live, refused, jobName(hash));
  if (refused && (again?.state === 'Resting' || (again?.state === 'Wanted' && checked)))
    return refuse(refused, again);
  if (!checked) return rolling(hash, text, proven, refused);
  const check = assessCheck({...question, name: jobName(hash), refused});
  switch (check.state) {
    case 'Passed':
      return rolling(hash, text, proven, refused);
    case 'Failed': {
      const {cause, attempt, failedAt, job} = check;
      const refusal = {template: hash, ...cause, undone: false, tries: attempt};
      const retryAt = failedAt + restMs(refusal);
      // Without a proven template the Deployment is not written, and only the Job remembers the refusal.
      return refuse(
        refusal,
        now < retryAt
          ? {state: 'Resting', retryAt}
          : {state: 'Wanted', attempt: attempt + 1, supersedes: job},
      );
    }
    case 'Wanted':
    case 'Checking':
    case 'Waiting':
      // It counts as refused until a new check has a result.
      if (refused && check.state === 'Wanted') return refuse(refused, check);
      if (refused && check.state === 'Waiting')
        return refuse(refused, {state: 'Resting', retryAt: check.retryAt});
      if (refused) return refuse(refused, {state: 'Trying'});
      // A roll-out that is under way is neither stopped nor taken back before its successor is known to be good.
      return keeping(hash, check, given === proven?.hash ? proven : undefined, text);
    default:
      return check satisfies never;
  }
}

/** It is what the Deployment was given. */
function running(
  {rollout, live, observed, now}: Question,
  hash: string,
  itself: string | undefined,
  text: string | undefined,
): Assessed {
  const {state, desired, late, oldReady, problem} = assessRollout(live, observed, now);
  if (text === itself || (state === 'Complete' && desired > 0)) return rolling(hash, itself);
  // How often it failed before counts until it runs everywhere.
  const before = live && refusalIn(live, hash);
  const proven = provenIn(text);
  const back = proven !== undefined && proven.hash !== hash && rollout.onFailure !== 'Hold' && oldReady > 0;
  if (!late || !back) return rolling(hash, text, proven, before);
  const refusal: Refusal = {
    template: hash,
    reason: problem?.reason ?? 'ProgressDeadlineExceeded',
    message: problem?.message ?? 'New pods did not become ready within spec.rollout.progressDeadline',
    hint: problem?.hint ?? '',
    undone: true,
    tries: (before?.tries ?? 0) + 1,
  };
  const next: Next = {state: 'Resting', retryAt: now + restMs(refusal)};
  return keeping(hash, {state: 'Refused', refusal, next}, proven, text, refusal);
}

/** When what was refused is tried again, or how the Job that does so stands. */
function nextTry({observed, now}: Question, live: Deployment, refused: Refusal, jobName: string): Next {
  const job = jobsOf(observed).find(({metadata}) => metadata.name === jobName);
  const there = job !== undefined && job.metadata.deletionTimestamp === undefined;
  if (there && attemptOf(job) > refused.tries) return {state: 'Trying'};
  const seen = (there && observed.firstSeen.get(job.metadata.uid ?? '')) || undefined;
  const since = seen ?? observed.firstSeen.get(refusalSeenId(live) ?? '');
  const retryAt = (since?.now ?? now) + restMs(refused);
  if (now < retryAt) return {state: 'Resting', retryAt};
  return {state: 'Wanted', attempt: refused.tries + 1, ...(there && {supersedes: job})};
}

function rolling(hash: string, proven: string | undefined, known?: Remembered, refused?: Refusal): Assessed {
  const annotations = {
    [TEMPLATE]: hash,
    ...(proven !== undefined && {[PROVEN]: proven}),
    ...(refused && {[REFUSED]: JSON.stringify(refused)}),
  };
  return {proof: {state: 'Roll'}, hash, annotations, kept: undefined, proven: known};
}

function keeping(
  hash: string,
  proof: Proof,
  proven: Remembered | undefined,
  text: string | undefined,
  refusal?: Refusal,
): Assessed {
  const annotations = {
    ...(proven && {[TEMPLATE]: proven.hash}),
    ...(text !== undefined && {[PROVEN]: text}),
    ...(refusal && {[REFUSED]: JSON.stringify(refusal)}),
  };
  return {proof, hash, annotations: {}, kept: proven && {template: proven.template, annotations}, proven};
}

function remembered(proven: Remembered): string | undefined {
  const text = JSON.stringify(proven);
  return text.length > MAX_REMEMBERED ? undefined : text;
}

function provenIn(text: string | undefined): Remembered | undefined {
  const found: Partial<Remembered> | undefined = recordIn(text);
  // Whoever edited it took the way back away, and nothing else.
  if (found?.hash === undefined || found.template === undefined) return undefined;
  const {hash, template} = found;
  return shortHash(template) === hash ? {hash, template} : undefined;
}
