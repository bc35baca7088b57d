import type {FraiseQLAuthStatus} from '../../api/v1alpha1/fraiseqlauth.ts';
import type {ResolvedSpec} from '../../api/v1alpha1/resolve.ts';
import type {ServerTemplate} from '../desired/deployment.ts';
import {shortHash} from '../desired/hash.ts';
import {jobsOf, type Observed} from '../observed.ts';
import type {Problem} from '../problem.ts';
import {assessRollout, type Rollout} from './rollout.ts';
import type {Deployment, Job} from '../workloads.ts';
import {attemptOf} from './attempts.ts';
import {assessCheck} from './check.ts';
import {Known} from './known.ts';
import {refusalIn, refusalSeenId, restMs, type Refusal} from './refusal.ts';
import {annotationsFor, recall, textOf, type Kept, type Memory, type Remembered} from './remembered.ts';

// What may replace a pod.

/** Whether the template that the spec asks for may run. */
export type Proof =
  /** It may. */
  | {readonly state: 'Roll'}
  /** It may, once what ran before a sleep serves again, or has not come to until then (milliseconds since the epoch). */
  | {readonly state: 'Waking'; readonly until: number}
  /** It is to be tried out first, by a Job that is not there yet. */
  | {readonly state: 'Wanted'; readonly attempt: number; readonly supersedes?: Job}
  /** The Job is at it; `problem` is what keeps its pod from running. */
  | {readonly state: 'Checking'; readonly problem?: Problem}
  /** Something outside failed, and the next try comes at `retryAt` (milliseconds since the epoch). */
  | {readonly state: 'Waiting'; readonly attempt: number; readonly retryAt: number; readonly problem: Problem}
  /** It failed, and rests until it is tried again. */
  | {readonly state: 'Refused'; readonly refusal: Refusal; readonly next: Next};

/**
 * The next try of what was refused: at a time (milliseconds since the epoch), by a Job to be made, or by one at it; none
 * before its pods are taken back.
 */
type Next =
  | {readonly state: 'Resting'; readonly retryAt: number}
  | {readonly state: 'Wanted'; readonly attempt: number; readonly supersedes?: Job}
  | {readonly state: 'Trying'}
  | {readonly state: 'Undoing'};

/** What is known of a template that is asked for, and what follows of it. */
export interface Assessed {
  readonly proof: Proof;
  /** The hash of the template that is asked for. */
  readonly hash: string;
  /** What the Deployment is to say of it, where it is given that template. */
  readonly annotations: Readonly<Record<string, string>>;
  /** What is to run meanwhile, where it is not. Undefined: whatever runs is left as it is. */
  readonly kept: Kept | undefined;
  /** The template to go back to, so that nothing that it needs is removed. */
  readonly proven: Remembered | undefined;
}

interface Question {
  readonly template: ServerTemplate;
  readonly rollout: ResolvedSpec['rollout'];
  readonly live: Deployment | undefined;
  /** Until when it waits for pods that are woken; see the function of that name. */
  readonly wakesUntil: number | undefined;
  /** The name of the Job that tries a template out. */
  readonly jobName: (hash: string) => string;
  readonly observed: Observed;
  readonly status: FraiseQLAuthStatus | undefined;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

/** Whether the template may run, and what runs where it may not. */
export function assessProof(question: Question): Assessed {
  const {template, live, observed} = question;
  const hash = shortHash(template);
  const itself = {hash, text: textOf(hash, template)};
  if (live === undefined) return rolling(itself, itself.text);
  const memory = recall(live, observed);
  const {given, proven} = memory;
  if (given === hash) return running(question, itself, live, memory);

  // What ran everywhere may always come back.
  if (proven?.hash === hash) return rolling(itself, itself.text, proven);
  const refused = refusalIn(live, hash);
  const refuse = (refusal: Refusal, next: Next): Assessed => {
    const proof = {state: 'Refused', refusal, next} as const;
    return keeping(hash, proof, staying(question, live, memory), memory, refusal);
  };
  const {rollout, status, jobName} = question;
  // If nothing ever served there is nothing to protect, and a check would only delay a correction.
  const checked = rollout.check !== 'Never' && status?.version?.current !== undefined;
  const again = refused && nextTry(question, live, refused, jobName(hash));
  if (refused && (again?.state === 'Resting' || (again?.state === 'Wanted' && checked)))
    return refuse(refused, again);
  const roll = (): Assessed => {
    const {wakesUntil: until} = question;
    if (until === undefined) return rolling(itself, proven?.text, proven, refused);
    const woken = given === proven?.hash ? proven : undefined;
    return keeping(hash, {state: 'Waking', until}, woken, memory, refused);
  };
  if (!checked) return roll();
  const check = assessCheck({...question, name: jobName(hash), refused});
  switch (check.state) {
    case 'Passed':
      return roll();
    case 'Failed': {
      const {cause, attempt, job} = check;
      const refusal = {template: hash, ...cause, undone: false, tries: attempt};
      // Where nothing is remembered the Deployment is not written, and only the Job remembers the refusal.
      const next = resting(question, job.metadata.uid, refusal);
      return refuse(refusal, next ?? {state: 'Wanted', attempt: attempt + 1, supersedes: job});
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
      return keeping(hash, check, given === proven?.hash ? proven : undefined, memory);
    default:
      return check satisfies never;
  }
}

/** It is what the Deployment was given. */
function running(question: Question, itself: Given, live: Deployment, {proven}: Memory): Assessed {
  const {hash, text} = itself;
  const rollout = assessRollout(live, question.observed, question.now);
  const {state, desired, problem} = rollout;
  if (proven?.hash === hash || (state === 'Complete' && desired > 0)) return rolling(itself, text);
  // How often it failed before counts until it runs everywhere.
  const before = refusalIn(live, hash);
  if (proven === undefined || !hasFailed(question, rollout))
    return rolling(itself, proven?.text, proven, before);
  const refusal: Refusal = {
    template: hash,
    reason: problem?.reason ?? 'ProgressDeadlineExceeded',
    message: problem?.message ?? 'New pods did not become ready within spec.rollout.progressDeadline',
    hint: problem?.hint ?? '',
    undone: true,
    tries: (before?.tries ?? 0) + 1,
  };
  // That may have to wait: for a person, or for an API server that does not let us. Only from then on does it rest.
  const next: Next = {state: 'Undoing'};
  return keeping(hash, {state: 'Refused', refusal, next}, proven, {proven}, refusal);
}

/** Whether a roll-out is to be taken back: nobody is served better by that where no old pod serves any more. */
function hasFailed({rollout: {onFailure}}: Question, {late, oldReady}: Rollout): boolean {
  return late && oldReady > 0 && onFailure !== 'Hold';
}

/**
 * What stays while the spec asks for what was refused: what the Deployment was given. That goes back to what ran before
 * only where it has failed itself, and not because of what came after it.
 */
function staying(
  question: Question,
  live: Deployment,
  {given, proven, trial}: Memory,
): Remembered | undefined {
  if (given === undefined || given === proven?.hash) return proven;
  return hasFailed(question, assessRollout(live, question.observed, question.now)) ? proven : trial;
}

/** When what was refused is tried again, or how the Job that does so stands. */
function nextTry(question: Question, live: Deployment, refused: Refusal, jobName: string): Next {
  const {observed} = question;
  const job = jobsOf(observed).find(({metadata}) => metadata.name === jobName);
  const there = job !== undefined && job.metadata.deletionTimestamp === undefined;
  if (there && attemptOf(job) > refused.tries) return {state: 'Trying'};
  const uid = there ? job.metadata.uid : undefined;
  const id = uid !== undefined && observed.firstSeen.has(uid) ? uid : refusalSeenId(live);
  const wanted = {state: 'Wanted', attempt: refused.tries + 1, ...(there && {supersedes: job})} as const;
  return resting(question, id, refused) ?? wanted;
}

/** The rest of what was refused, since that is seen under this id; undefined where it is over. */
function resting({observed, now}: Question, seenId: string | undefined, refused: Refusal): Next | undefined {
  const known = new Known(observed.firstSeen, {now, monotonic: observed.monotonic});
  const [id, ms] = [seenId ?? '', restMs(refused)];
  return known.for(id, ms) ? undefined : {state: 'Resting', retryAt: known.at(id, ms)};
}

/** A template by its hash, and its text where that is not too large. */
type Given = Pick<Remembered, 'hash'> & {readonly text: string | undefined};

function rolling(itself: Given, proven: string | undefined, known?: Remembered, refused?: Refusal): Assessed {
  const annotations = annotationsFor(itself, proven, refused);
  return {proof: {state: 'Roll'}, hash: itself.hash, annotations, kept: undefined, proven: known};
}

function keeping(
  hash: string,
  proof: Proof,
  stays: Remembered | undefined,
  {proven}: Pick<Memory, 'proven'>,
  refusal?: Refusal,
): Assessed {
  const kept = stays && {
    template: stays.template,
    annotations: annotationsFor(stays, proven?.text, refusal),
  };
  return {proof, hash, annotations: {}, kept, proven};
}
