import {CONDITION_TYPES, type ConditionType} from '../../api/v1alpha1/conditions.ts';
import type {Condition} from '../../api/v1alpha1/status.ts';
import {timestamp} from '../timestamp.ts';

/** A condition before it knows since when it is so. */
export interface Finding {
  readonly status: Condition['status'];
  readonly reason: string;
  readonly message: string;
  /** The generation of the spec that it was found of, where that is an earlier one. */
  readonly observedGeneration?: number | undefined;
}

/** The most that a message of ours holds; the API server takes a little more. */
const MAX_MESSAGE = 2000;

/** A finding that it is so. */
export const isTrue = (reason: string, message: string): Finding => ({status: 'True', reason, message});
/** A finding that it is not so. */
export const isFalse = (reason: string, message: string): Finding => ({status: 'False', reason, message});
/** A finding that nobody knows yet, or can know. */
export const isUnknown = (reason: string, message: string): Finding => ({status: 'Unknown', reason, message});

/** The conditions in the order in which they are read; a time moves only where a status did. */
export function conditionsFrom(
  findings: Partial<Record<ConditionType, Finding>>,
  before: readonly Condition[] | undefined,
  generation: number,
  now: number,
): Condition[] {
  return CONDITION_TYPES.flatMap((type) => {
    const finding = findings[type];
    if (finding === undefined) return [];
    const known = before?.find((each) => each.type === type);
    return {
      type,
      status: finding.status,
      reason: finding.reason,
      message: cut(finding.message, MAX_MESSAGE),
      observedGeneration: finding.observedGeneration ?? generation,
      lastTransitionTime: known?.status === finding.status ? known.lastTransitionTime : timestamp(now),
    };
  });
}

/** At most that long; what is cut off shows as an ellipsis. */
export function cut(text: string, longest: number): string {
  return text.length <= longest ? text : `${text.slice(0, longest - 1)}…`;
}
