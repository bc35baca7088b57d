import type {FraiseQLAuthStatus} from '../../api/v1alpha1/fraiseqlauth.ts';
import type {ResolvedSpec} from '../../api/v1alpha1/resolve.ts';
import {ANNOTATION} from '../desired/children.ts';
import type {ServerTemplate} from '../desired/deployment.ts';
import {shortHash} from '../desired/hash.ts';
import type {Observed} from '../observed.ts';
import type {Problem} from '../problem.ts';
import {assessRollout} from '../status/rollout.ts';
import type {Deployment, Job} from '../workloads.ts';
import {assessCheck} from './check.ts';

// What may replace a pod. The Deployment itself remembers, in annotations that are written together with its template:
// so no state is lost with the operator, and none can contradict what runs.

/** The hash of the template that the Deployment was given. */
export const TEMPLATE = `${ANNOTATION}/template`;
/** The last template that ran everywhere, as JSON: what a roll-out that fails goes back to. */
const PROVEN = `${ANNOTATION}/proven-template`;
/** The hash of a template that failed, and why: it is not tried again. */
const REFUSED = `${ANNOTATION}/refused-template`;

/** A template too large to be remembered beside its own Deployment; there is no way back to it then. */
const MAX_REMEMBERED = 100_000;

/** A template that failed. */
interface Refusal {
  readonly template: string;
  readonly reason: string;
  readonly message: string;
  readonly hint: string;
  /** Whether pods of it were there and were taken back; else none was ever made. */
  readonly undone: boolean;
}

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
  /** It failed. */
  | {readonly state: 'Refused'; readonly refusal: Refusal};

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
  if (refused) return keeping(hash, {state: 'Refused', refusal: refused}, proven, text, refused);
  const {rollout, status, jobName} = question;
  // Where nothing ever served there is nothing to protect, and a check would only be in the way of a correction.
  if (rollout.check === 'Never' || status?.version?.current === undefined) return rolling(hash, text, proven);
  const check = assessCheck({...question, name: jobName(hash)});
  switch (check.state) {
    case 'Passed':
      return rolling(hash, text, proven);
    case 'Failed': {
      const refusal = {template: hash, ...check.cause, undone: false};
      return keeping(hash, {state: 'Refused', refusal}, proven, text, refusal);
    }
    case 'Wanted':
    case 'Checking':
    case 'Waiting':
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
  if (!late || rollout.onFailure === 'Hold' || oldReady === 0) return rolling(hash, text, provenIn(text));
  const proven = provenIn(text);
  if (proven === undefined || proven.hash === hash) return rolling(hash, text, proven);
  const refusal: Refusal = {
    template: hash,
    reason: problem?.reason ?? 'ProgressDeadlineExceeded',
    message: problem?.message ?? 'New pods did not become ready within spec.rollout.progressDeadline',
    hint: problem?.hint ?? '',
    undone: true,
  };
  return keeping(hash, {state: 'Refused', refusal}, proven, text, refusal);
}

function rolling(hash: string, proven: string | undefined, known?: Remembered): Assessed {
  const annotations = {[TEMPLATE]: hash, ...(proven !== undefined && {[PROVEN]: proven})};
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

function refusalIn(live: Deployment, hash: string): Refusal | undefined {
  const found: Partial<Refusal> | undefined = parsed(live.metadata.annotations?.[REFUSED]);
  if (found?.template !== hash) return undefined;
  const {reason = 'CheckFailed', message = '', hint = '', undone = false} = found;
  return {template: hash, reason, message, hint, undone};
}

function provenIn(text: string | undefined): Remembered | undefined {
  const found: Partial<Remembered> | undefined = parsed(text);
  // Whoever edited it took the way back away, and nothing else.
  if (found?.hash === undefined || found.template === undefined) return undefined;
  const {hash, template} = found;
  return shortHash(template) === hash ? {hash, template} : undefined;
}

/** The JSON of an annotation of ours; undefined where somebody made something else of it. */
function parsed(text: string | undefined): object | undefined {
  if (text === undefined) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
