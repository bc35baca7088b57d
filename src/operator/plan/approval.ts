import type {FraiseQLAuthStatus} from '../../api/v1alpha1/fraiseqlauth.ts';
import {STATUS_LIMITS} from '../../api/v1alpha1/status.ts';
import {isChange, planHash, type Change} from './change.ts';

/** On a resource: the hash of the plan that is let through. */
export const APPROVE = 'auth.fraiseql.dev/approve-plan';

type PlanStatus = NonNullable<FraiseQLAuthStatus['plan']>;
type Approved = NonNullable<PlanStatus['approved']>;
/** A change that was let through, and is not made yet. */
export type ApprovedChange = NonNullable<Approved['changes']>[number];

/** How a plan stands. */
export interface Standing {
  /** The hash of what waits to be let through; undefined while nothing does. */
  readonly hash: string | undefined;
  readonly pending: readonly Change[];
  /** What was let through last, and what of that is still to be made. */
  readonly approved: {readonly hash: string; readonly changes: readonly ApprovedChange[]} | undefined;
  /** It is let through just now: that has to be remembered before anything of it is made. */
  readonly fresh: boolean;
  /** The annotation names a hash that is not this plan's. */
  readonly stale: string | undefined;
}

/**
 * Weighs what would be done against what was let through. A change that was let through stays so until it is made, or
 * until it would no longer be done; every other waits. A hash counts once: should the same changes be wanted again, they
 * are another plan.
 */
export function weigh(input: {
  readonly uid: string;
  readonly changes: readonly Change[];
  readonly before: PlanStatus | undefined;
  readonly annotation: string | undefined;
  /** Whether something let through is under way though nothing is to be written for it now. */
  readonly isUnderWay: (change: ApprovedChange) => boolean;
}): Standing {
  const {uid, annotation, before} = input;
  const last = before?.approved;
  const still = remaining(last?.changes ?? [], input.changes, input.isUnderWay);
  const pending = input.changes.filter((change) => !isAllowed(still, change)).slice(0, STATUS_LIMITS.changes);
  const hash = hashOf(uid, pending, last?.hash);
  if (hash !== undefined && annotation === hash) {
    const older = still.filter((each) => !pending.some((change) => isChange(each, change)));
    const changes = [...older, ...pending.map(approvedOf)].slice(0, STATUS_LIMITS.approved);
    return {hash: undefined, pending: [], approved: {hash, changes}, fresh: true, stale: undefined};
  }
  const isStale = hash !== undefined && annotation !== undefined && annotation !== last?.hash;
  return {
    hash,
    pending,
    approved: last && {hash: last.hash, changes: still},
    fresh: false,
    stale: isStale ? annotation : undefined,
  };
}

/**
 * Whether a change was let through: what it makes of the object was, and every field that it changes on the way there.
 * The way may have become another one: what were two steps may be one, after a restart.
 */
export function isAllowed(approved: readonly ApprovedChange[], change: Change): boolean {
  if (!approved.some((each) => isChange(each, change))) return false;
  const touched = approved
    .filter(({kind, name}) => kind === change.kind && name === change.name)
    .map(({touches = ''}) => touches);
  return touched.includes(ALL) || change.touches.every((each) => touched.some((text) => text.includes(each)));
}

/** What was let through and is not made yet. An object's changes stay together until the last of them is made. */
function remaining(
  approved: readonly ApprovedChange[],
  changes: readonly Change[],
  isUnderWay: (change: ApprovedChange) => boolean,
): ApprovedChange[] {
  const still = approved.filter(
    (each) => changes.some((change) => isChange(each, change)) || isUnderWay(each),
  );
  return approved.filter(
    (each) =>
      still.includes(each) ||
      (each.verb === 'Update' && still.some(({kind, name}) => kind === each.kind && name === each.name)),
  );
}

function hashOf(uid: string, pending: readonly Change[], last: string | undefined): string | undefined {
  if (pending.length === 0) return undefined;
  const hash = planHash(uid, pending);
  return hash === last ? planHash(uid, pending, last) : hash;
}

/** So many fields that they are not told one by one. */
const ALL = '*';

function approvedOf({verb, kind, name, hash, touches}: Change): ApprovedChange {
  const text = touches.join(' ');
  return {
    verb,
    kind,
    name,
    hash,
    ...(text !== '' && {touches: text.length > STATUS_LIMITS.touches ? ALL : text}),
  };
}

/** What the status says of it; undefined where there is nothing to say. */
export function planStatus({hash, pending, approved}: Standing): PlanStatus | undefined {
  if (hash === undefined && approved === undefined) return undefined;
  return {
    ...(hash !== undefined && {
      hash,
      changes: pending.map(({verb, kind, name, hash: own, fields, why}) => ({
        verb,
        kind,
        name,
        hash: own,
        ...(fields.length > 0 && {fields: fields.map((each) => ({...each}))}),
        ...(why !== undefined && {why}),
      })),
    }),
    ...(approved && {
      approved: {
        hash: approved.hash,
        ...(approved.changes.length > 0 && {changes: approved.changes.map((each) => ({...each}))}),
      },
    }),
  };
}
