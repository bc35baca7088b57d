import type {FraiseQLAuthStatus} from '../../api/v1alpha1/fraiseqlauth.ts';
import type {Condition} from '../../api/v1alpha1/status.ts';

/** What the summary of a status says. */
export function readyOf(status: FraiseQLAuthStatus | undefined): Condition | undefined {
  return status?.conditions?.find((each) => each.type === 'Ready');
}

/** Whether a status says that all is well; one that is not there does not. */
export function isReady(status: FraiseQLAuthStatus | undefined): boolean {
  return readyOf(status)?.status === 'True';
}
