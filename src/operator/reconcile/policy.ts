import {ApiError, ForeignObjectError} from '../../kube/client.ts';
import {KIND} from '../../api/v1alpha1/group-version.ts';
import {MANAGER} from '../desired/children.ts';
import type {Problem} from '../problem.ts';
import {ContestedError} from './contests.ts';

/**
 * What an error of a step means for the pass. After fluxcd's internal/error: the error carries the policy.
 *   refused  a person has to do something: it goes into the status, and is tried again now and then
 *   wait     it passes by itself, soon: tried again after a moment, and the status says nothing
 *   leave    the namespace is being deleted: nothing more is done in it
 *   retry    the API server could not answer: the queue backs off; `goesOn`: it may well be able to do other things
 */
export type Policy =
  | {readonly kind: 'refused'; readonly problem: Problem; readonly retryMs: number}
  | {readonly kind: 'wait'; readonly retryMs: number}
  | {readonly kind: 'leave'; readonly retryMs: number}
  | {readonly kind: 'retry'; readonly retryMs: number | undefined; readonly goesOn: boolean};

const FOREIGN_RETRY_MS = 15_000;
const REFUSED_RETRY_MS = 30_000;
const WAIT_MS = 2000;
/** A server that is busy says how long to stay away; what it says is not taken for more, or less, than it can mean. */
const ASKED_MS = {least: 100, most: 60_000};
/** A namespace that is being deleted is looked at again after this long: it may take a while to go. */
export const LEAVE_MS = 60_000;

/** @throws the error itself where it is none that a cluster makes */
export function policyOf(error: unknown, subject: {kind: string; name: string; apiVersion: string}): Policy {
  if (error instanceof ForeignObjectError) {
    return {
      kind: 'refused',
      retryMs: FOREIGN_RETRY_MS,
      problem: {
        reason: 'ObjectNotOurs',
        message: error.message.replace(/; rename or delete it.*$/, ''),
        hint: handOver(error, subject),
        objectRef: subject,
      },
    };
  }
  // What is contested is told as long as it is, also between two attempts.
  if (error instanceof ContestedError) return {kind: 'wait', retryMs: error.retryMs};
  if (!(error instanceof ApiError)) throw error;
  if (error.transient || error.reason === 'Aborted') {
    // That one thing cannot be done, a webhook's doing say, says nothing of others.
    const goesOn = error.status >= 500 || error.reason === 'Timeout';
    return {kind: 'retry', retryMs: askedMs(error), goesOn};
  }
  if (error.reason === 'Terminating') return {kind: 'wait', retryMs: WAIT_MS};
  if (error.status === 409) return {kind: 'retry', retryMs: undefined, goesOn: true};
  if (error.status === 403 && /because it is being terminated/.test(error.message)) {
    return {kind: 'leave', retryMs: LEAVE_MS};
  }
  return {kind: 'refused', retryMs: REFUSED_RETRY_MS, problem: refusal(error, subject)};
}

/** What to do about an object of somebody else's that is in the way. */
function handOver(
  {controller, object}: ForeignObjectError,
  {kind, name}: {kind: string; name: string},
): string {
  // Deleted, it would be made again by the other: two resources whose names differ by the end of a child's name.
  if (controller?.kind === KIND)
    return `It belongs to ${KIND} ${controller.name}, whose name takes that of this ${kind}. Choose another name for one of the two: make it anew under that name, and delete the one before`;
  if (kind === 'Secret')
    return `The operator leaves it alone; do not delete it, for it may hold keys. Where they are this resource's own, take its ownerReferences away and hand it over: kubectl label secret ${name} -n ${object.namespace ?? ''} app.kubernetes.io/managed-by=${MANAGER} --overwrite. Else choose another name for this resource`;
  return `The operator leaves it alone. Delete or rename ${kind} ${name}, or choose another name for this resource`;
}

/** How long the server asks to stay away. */
export function askedMs(error: unknown): number | undefined {
  if (!(error instanceof ApiError) || error.retryAfterMs === undefined) return undefined;
  return Math.min(ASKED_MS.most, Math.max(ASKED_MS.least, error.retryAfterMs));
}

function refusal(error: ApiError, subject: {kind: string; name: string; apiVersion: string}): Problem {
  const {kind, name} = subject;
  const hint =
    error.status === 403
      ? `Allow it: a quota, an admission policy or the operator's own rights is in the way`
      : `Correct in the spec what the message names; it may be an admission webhook that refuses`;
  return {
    reason: 'ObjectRefused',
    message: `The API server refused ${kind} ${name}: ${error.message.replace(/^[a-z]+ [^:]*: \d+ \w+: /, '')}`,
    hint,
    objectRef: subject,
  };
}
