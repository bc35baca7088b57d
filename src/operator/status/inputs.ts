import type {FraiseQLAuth} from '../../api/v1alpha1/fraiseqlauth.ts';
import type {Observed} from '../observed.ts';
import type {Problem} from '../problem.ts';
import type {Standing} from '../plan/approval.ts';
import type {Decision} from '../decide/decision.ts';

/** What the status is computed from, once, at the end of a pass. */
export interface Inputs {
  readonly resource: FraiseQLAuth;
  readonly decision: Decision;
  readonly observed: Observed;
  /** What the API server, or another's object in the way, did not let us do. */
  readonly refused: readonly Problem[];
  /** With spec.management: Plan: what waits to be let through. */
  readonly plan?: Standing | undefined;
  readonly schemaVersion: string;
  /** Milliseconds since the epoch. */
  readonly now: number;
}
