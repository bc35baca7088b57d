import type {ResolvedSpec} from '../../api/v1alpha1/resolve.ts';
import type {Rollout} from '../decide/rollout.ts';
import {names} from '../desired/names.ts';
import type {Inputs} from './inputs.ts';
import {isPending} from './plan.ts';

/**
 * Whether the service sleeps, or is being put to sleep. While nothing may be changed, or that waits to be let through, the
 * spec may say so for long, and pods serve all the same.
 */
export function isAsleep(
  {resource, plan}: Pick<Inputs, 'resource' | 'plan'>,
  {runState, management}: ResolvedSpec,
  {desired}: Rollout,
): boolean {
  if (runState !== 'Hibernated') return false;
  if (management === 'Active' || desired === 0) return true;
  const {server} = names(resource.metadata);
  return management === 'Plan' && plan !== undefined && !isPending(plan, 'Deployment', server);
}
