import {recordIn} from '../../support/record.ts';
import {ANNOTATION} from '../desired/children.ts';
import type {Deployment} from '../workloads.ts';

/** The hash of a template that failed, and why: it rests for a while before it is tried again. */
export const REFUSED = `${ANNOTATION}/refused-template`;

/** A template that failed. */
export interface Refusal {
  readonly template: string;
  readonly reason: string;
  readonly message: string;
  readonly hint: string;
  /** Whether pods of it were there and were taken back; else none was ever made. */
  readonly undone: boolean;
  /** How often it has failed. */
  readonly tries: number;
}

const FIRST_REST_MS = 60_000;
const LAST_REST_MS = 30 * 60_000;
/** What only the pods themselves find out costs a roll-out and its way back. */
const UNDONE = 10;

/**
 * How long a template that failed rests before it is tried again, for the cause may lie outside of it: 1 min, 2, 4 and so
 * on, up to 30; ten times as long where its pods had been there.
 */
export function restMs({tries, undone}: Refusal): number {
  const ms = Math.min(LAST_REST_MS, FIRST_REST_MS * 2 ** Math.min(tries - 1, 10));
  return undone ? UNDONE * ms : ms;
}

/** What the Deployment remembers of the template of that hash; undefined where it was not refused. */
export function refusalIn(live: Deployment, hash: string): Refusal | undefined {
  const found = remembered(live);
  if (found?.template !== hash) return undefined;
  const {reason = 'CheckFailed', message = '', hint = '', undone = false, tries = 1} = found;
  return {template: hash, reason, message, hint, undone, tries};
}

/** Under which it is seen that the Deployment remembers a refusal. */
export function refusalSeenId(live: Deployment): string | undefined {
  const found = remembered(live);
  return found?.template === undefined ? undefined : `refused ${found.template} ${found.tries ?? 1}`;
}

function remembered({metadata}: Deployment): Partial<Refusal> | undefined {
  return recordIn(metadata.annotations?.[REFUSED]);
}
