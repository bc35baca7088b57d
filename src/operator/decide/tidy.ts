import {controllerOf, RESOURCES, type ResourceType} from '../../kube/objects.ts';
import type {Instance} from '../desired/instance.ts';
import {names} from '../desired/names.ts';
import {podDisruptionBudget} from '../desired/pod-disruption-budget.ts';
import {child, childrenOf, deploymentOf, jobsOf, type Observed} from '../observed.ts';
import {configMapsOf, trueCondition} from '../workloads.ts';
import type {Step} from './decision.ts';
import type {Assessed} from './proof.ts';
import {isGiven} from './remembered.ts';

// What is no longer wanted.

/** Children of sections that the spec no longer has. */
export function removals(instance: Instance, observed: Observed): Step[] {
  const {spec} = instance;
  const name = names(instance);
  const steps: Step[] = [];
  if (!spec.backup) {
    steps.push(...removal(RESOURCES.CronJob, name.backup, observed, 'the spec has no backup'));
    steps.push(...removal(RESOURCES.ServiceAccount, name.backup, observed, 'the spec has no backup'));
  }
  if (!podDisruptionBudget(instance)) {
    steps.push(...removal(RESOURCES.PodDisruptionBudget, name.server, observed, 'a single pod has none'));
  }
  return steps;
}

/** A child goes, where it is there. */
export function removal(type: ResourceType, name: string, observed: Observed, why: string): Step[] {
  const object = child(observed, type.kind, name);
  return object === undefined || object.metadata.deletionTimestamp !== undefined
    ? []
    : [{kind: 'delete', type, object, why}];
}

/** Configurations that no pod uses any more, and Jobs whose migration or check is no longer the one. */
export function leftovers(
  instance: Instance,
  observed: Observed,
  now: {
    /** Names of the migration's Job and of the configuration, and whether that migration is done. */
    readonly job: string;
    readonly config: string;
    readonly migrated: boolean;
    readonly assessed: Assessed;
  },
): Step[] {
  const {job, config, migrated} = now;
  const {proof, hash, proven} = now.assessed;
  const {server, check} = names(instance);
  const live = deploymentOf(observed, server);
  const used = new Set([
    config,
    ...configMapsOf(proven?.template.spec),
    ...configMapsOf(live?.spec?.template?.spec),
    ...observed.replicaSets
      .filter((each) => (each.spec?.replicas ?? 0) > 0 || (each.status?.replicas ?? 0) > 0)
      .flatMap((each) => configMapsOf(each.spec?.template?.spec)),
    ...observed.pods.flatMap((each) => configMapsOf(each.spec)),
  ]);
  const steps: Step[] = [];
  for (const each of childrenOf(observed, 'ConfigMap')) {
    if (used.has(each.metadata.name) || each.metadata.deletionTimestamp !== undefined) continue;
    steps.push({kind: 'delete', type: RESOURCES.ConfigMap, object: each, why: 'no pod uses it any more'});
  }
  // The word of a check counts until the Deployment has the template; then that remembers it.
  const given = isGiven(live, hash);
  const keep = new Set([job, ...(proof.state === 'Roll' && given ? [] : [check(hash)])]);
  for (const each of jobsOf(observed)) {
    const component = each.metadata.labels?.['app.kubernetes.io/component'];
    if (component !== 'migration' && component !== 'check') continue;
    if (keep.has(each.metadata.name) || each.metadata.deletionTimestamp !== undefined) continue;
    if (controllerOf(each)?.uid !== instance.uid) continue;
    // A migration that succeeded stays until the next has: should the spec go back, there is nothing to run again.
    if (component === 'migration' && !migrated && trueCondition(each, 'Complete')) continue;
    const why = component === 'check' ? 'it has said what it found' : 'another migration took its place';
    steps.push({kind: 'delete', type: RESOURCES.Job, object: each, why});
  }
  return steps;
}
