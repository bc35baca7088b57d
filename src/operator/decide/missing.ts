import type {FraiseQLAuth} from '../../api/v1alpha1/fraiseqlauth.ts';
import type {ResolvedSpec} from '../../api/v1alpha1/resolve.ts';
import {names} from '../desired/names.ts';
import {child, deploymentOf, type Observed} from '../observed.ts';
import type {Problem} from '../problem.ts';
import {configMapsOf} from '../workloads.ts';
import {subjectOf, type Step} from './decision.ts';

/**
 * Children of what was deployed that are not there, while nothing may be made: what would be made of them is in the
 * steps. Jobs and configurations of a change that waits are not missed.
 */
export function missingChildren(
  {metadata, status}: FraiseQLAuth,
  {runState}: ResolvedSpec,
  observed: Observed,
  steps: readonly Step[],
): Problem[] {
  const {server, signingKeys, state} = names(metadata);
  const live = deploymentOf(observed, server);
  if (live === undefined && status?.version?.current === undefined) return [];
  const asleep = runState === 'Hibernated';
  const used = configMapsOf(live?.spec?.template?.spec);
  // What comes before them in the order may keep these out of the steps.
  const always = [
    ...(asleep ? [] : [{apiVersion: 'apps/v1', kind: 'Deployment', name: server}]),
    ...[signingKeys, state].map((name) => ({apiVersion: 'v1', kind: 'Secret', name})),
  ];
  const applied = steps
    .filter((step) => step.kind === 'apply')
    .map((step) => subjectOf(step))
    .filter(({kind, name}) => kind !== 'Deployment' && (kind !== 'ConfigMap' || used.includes(name)));
  return [...always, ...applied]
    .filter(({kind, name}) => child(observed, kind, name) === undefined)
    .map((objectRef) => ({
      reason: 'ChildMissing',
      message: `${objectRef.kind} ${objectRef.name} is missing`,
      hint: `It is made once spec.management is Active${asleep && objectRef.kind === 'Secret' ? ' and spec.runState is Running' : ''}`,
      objectRef,
    }));
}
