import type {Pod, ReplicaSet} from '../../../src/operator/workloads.ts';

/** On a ReplicaSet: how many pods the Deployment was to have when this one was last scaled. */
export const DESIRED = 'deployment.kubernetes.io/desired-replicas';

/** A ReplicaSet with its pods, those not counted that are told to end. */
export interface Revision {
  readonly set: ReplicaSet;
  readonly pods: readonly Pod[];
  readonly size: number;
  /** Those that are ready now, and for as long as they have to be in a row. */
  readonly ready: number;
  readonly available: number;
}

/** A ReplicaSet, and how many pods it is to have. */
type Scaling = readonly [ReplicaSet, number];

/**
 * How many pods the ReplicaSets of a Deployment are to have next, where that is another number than now; as the
 * controller of Deployments has it for `maxUnavailable: 0`.
 */
export function nextSizes(
  revisions: readonly Revision[],
  newest: Revision,
  wanted: {readonly desired: number; readonly surge: number},
): readonly Scaling[] {
  const {desired} = wanted;
  const active = revisions.filter(({size}) => size > 0);
  if (active.some(({set}) => set.metadata.annotations?.[DESIRED] !== String(desired)))
    return rescaled(active, newest, wanted);
  const old = revisions.filter((each) => each !== newest);
  const total = sum(revisions.map(({size}) => size));
  if (newest.size > desired) return [[newest.set, desired]];
  const more = Math.min(desired - newest.size, desired + wanted.surge - total);
  if (more > 0) return [[newest.set, newest.size + more]];
  return fewer(old, newest, desired, total);
}

/** The number is another one: in the midst of a roll-out each has its share. */
function rescaled(
  active: readonly Revision[],
  newest: Revision,
  {desired, surge}: {readonly desired: number; readonly surge: number},
): readonly Scaling[] {
  const [only] = active;
  if (only !== undefined && active.length === 1) return [[only.set, desired]];
  const old = active.filter((each) => each !== newest);
  if (newest.size === desired && newest.available === desired) return old.map(({set}) => [set, 0]);
  const most = desired === 0 ? 0 : desired + surge;
  const add = most - sum(active.map(({size}) => size));
  const ordered = active.toSorted((a, b) => b.size - a.size || (add > 0 === (a === newest) ? -1 : 1));
  let left = add;
  const shares = ordered.map(({set, size}) => {
    const before = Number(set.metadata.annotations?.[DESIRED] ?? desired) + surge;
    const share = (desired === 0 ? 0 : Math.round((size * most) / before)) - size;
    const given = add > 0 ? Math.min(Math.max(share, 0), left) : Math.max(Math.min(share, 0), left);
    left -= given;
    return size + given;
  });
  return ordered.map(({set}, index) => [set, Math.max(0, (shares[index] ?? 0) + (index === 0 ? left : 0))]);
}

/** Old pods go: first those that are not available, then as many as there are more available ones than have to be. */
function fewer(
  old: readonly Revision[],
  newest: Revision,
  desired: number,
  total: number,
): readonly Scaling[] {
  let most = total - desired - (newest.size - newest.available);
  if (most <= 0) return [];
  const sizes = new Map(old.map((each) => [each, each.size]));
  const take = (from: Revision, count: number): void => {
    if (count <= 0) return;
    sizes.set(from, (sizes.get(from) ?? 0) - count);
    most -= count;
  };
  for (const each of old) take(each, Math.min(each.size - each.available, most));
  let spare = sum([newest, ...old].map(({available}) => available)) - desired;
  for (const each of old) {
    const count = Math.min(sizes.get(each) ?? 0, spare);
    take(each, count);
    spare -= Math.max(0, count);
  }
  return [...sizes].filter(([{size}, next]) => size !== next).map(([{set}, next]) => [set, next]);
}

export function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, each) => total + each, 0);
}
