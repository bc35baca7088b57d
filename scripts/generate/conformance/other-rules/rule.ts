import type {StandardName} from '../standards.ts';

/** A rule without a test file of its own: kept elsewhere, not ours to keep, or not kept, and why. */
export interface OtherRule {
  readonly standard: StandardName;
  readonly clause: string;
  readonly rule: string;
  /** Files that keep it, from the root of the repository. */
  readonly keptBy?: readonly string[];
  /** A sentence; it begins `Does not apply:` or `Not kept:` where that is so. */
  readonly reason?: string;
}

/** Makes rules of one standard. */
export const of =
  (standard: StandardName) =>
  (clause: string, rule: string, how: Pick<OtherRule, 'keptBy' | 'reason'>): OtherRule => ({
    standard,
    clause,
    rule,
    ...how,
  });

// Where the tests are that keep them.
export const RP = 'test/conformance/relying-party';
export const TOKENS = 'test/conformance/tokens';
export const SESSIONS = 'test/conformance/sessions';
export const LOGIN = 'test/conformance/login';
export const LOGOUT = 'test/conformance/logout';
export const SERVER = 'test/integration/server';
export const ATTACK = 'test/attack';
