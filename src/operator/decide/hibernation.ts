import type {KubeObject} from '../../kube/objects.ts';
import {RESOURCES} from '../../kube/objects.ts';
import type {Instance} from '../desired/instance.ts';
import {names} from '../desired/names.ts';
import {child, cronJobOf, deploymentOf, type Observed} from '../observed.ts';
import type {Step} from './decision.ts';

/** On a Deployment that was put to sleep: how many pods it had. */
const SLEEPING = 'auth.fraiseql.dev/replicas-before-hibernation';

/**
 * Puts what runs to sleep: first what moves the number of pods goes, then the pods, then backups stop. Template,
 * configuration, keys and all else stay as they are.
 */
export function hibernation(instance: Instance, observed: Observed): Step[] {
  const name = names(instance);
  const steps: Step[] = [];
  const autoscaler = child(observed, 'HorizontalPodAutoscaler', name.server);
  if (autoscaler !== undefined && autoscaler.metadata.deletionTimestamp === undefined) {
    steps.push({
      kind: 'delete',
      type: RESOURCES.HorizontalPodAutoscaler,
      object: autoscaler,
      why: 'the service hibernates',
    });
  }
  const live = deploymentOf(observed, name.server);
  const before = live?.metadata.annotations?.[SLEEPING];
  if (live !== undefined && (before === undefined || live.spec?.replicas !== 0)) {
    steps.push(scale(live, 0, before ?? String(live.spec?.replicas ?? 1)));
  }
  const backups = cronJobOf(observed, name.backup);
  if (backups !== undefined && backups.spec?.suspend !== true) {
    steps.push({kind: 'patch', type: RESOURCES.CronJob, object: backups, patch: {spec: {suspend: true}}});
  }
  return steps;
}

/**
 * Wakes what was put to sleep, with as many pods as it had: what ran serves at once, and changes follow as ever. What
 * somebody else scaled to zero comes back with the fewest pods where the autoscaler has the number, for at zero it rests.
 */
export function waking({spec, name}: Instance, observed: Observed): Step[] {
  const live = deploymentOf(observed, names({name}).server);
  if (live === undefined || live.metadata.deletionTimestamp !== undefined) return [];
  const {scaling} = spec;
  const before = live.metadata.annotations?.[SLEEPING];
  if (before === undefined) {
    if (scaling.kind === 'Fixed' || live.spec?.replicas !== 0) return [];
    const patch = {spec: {replicas: scaling.minReplicas}};
    return [{kind: 'patch', type: RESOURCES.Deployment, object: live, patch}];
  }
  const replicas =
    scaling.kind === 'Fixed'
      ? scaling.replicas
      : Math.min(scaling.maxReplicas, Math.max(scaling.minReplicas, Number.parseInt(before, 10) || 0));
  return [scale(live, replicas, null)];
}

function scale(live: KubeObject, replicas: number, before: string | null): Step {
  return {
    kind: 'patch',
    type: RESOURCES.Deployment,
    object: live,
    patch: {metadata: {annotations: {[SLEEPING]: before}}, spec: {replicas}},
  };
}
