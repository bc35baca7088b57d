import type {Scaling} from '../../api/v1alpha1/resolve.ts';

/** The fewest pods that run. */
export function lowestReplicas(scaling: Scaling): number {
  return scaling.kind === 'Fixed' ? scaling.replicas : scaling.minReplicas;
}
