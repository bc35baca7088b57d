import type {KubeObject} from '../../kube/objects.ts';
import {RESOURCES} from '../../kube/objects.ts';
import {deployment} from '../desired/deployment.ts';
import type {Instance} from '../desired/instance.ts';
import {names} from '../desired/names.ts';
import {child, cronJobOf, deploymentOf, type Observed} from '../observed.ts';
import type {Deployment} from '../workloads.ts';
import type {Step} from './decision.ts';
import {Known} from './known.ts';
import {provenNotGiven} from './remembered.ts';
import {runsEverywhere} from './rollout.ts';
import {apply} from './steps.ts';

/** On a Deployment that was put to sleep, until it serves again: how many pods it had. */
const SLEEPING = 'auth.fraiseql.dev/replicas-before-hibernation';

/**
 * Puts what runs to sleep: first what moves the number of pods goes, then the pods, then backups stop. Configuration,
 * keys and all else stay as they are, and so does the template, if it came to run everywhere.
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
  if (live !== undefined) steps.push(...unfinished(instance, observed, live));
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
 * A roll-out that has not come to its end is taken back, and begins anew when the service is woken. For without pods any
 * template counts as rolled out: one that does not work would wake alone, beside no pod that serves, and never be late.
 */
function unfinished(instance: Instance, observed: Observed, live: Deployment): Step[] {
  const kept = provenNotGiven(live, observed);
  if (kept === undefined || live.metadata.deletionTimestamp !== undefined) return [];
  // The number of pods is another's matter.
  const scaling = {kind: 'Fixed', replicas: live.spec?.replicas ?? 1} as const;
  const asItIs = {...instance, spec: {...instance.spec, scaling}};
  return apply(RESOURCES.Deployment, deployment(asItIs, kept.template, kept.annotations));
}

/**
 * Wakes what was put to sleep, with as many pods as it had: what ran serves at once, and changes follow then. What
 * somebody else scaled to zero comes back with the fewest pods where the autoscaler has the number, for at zero it rests.
 */
export function waking({spec, name}: Instance, observed: Observed, now: number): Step[] {
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
  if (replicas === 0) return [scale(live, 0, null)];
  if (live.spec?.replicas === 0) return [scale(live, replicas, before)];
  // From now on the number is another's matter.
  return wakesUntil(spec, live, observed, now) === undefined ? [awake(live)] : [];
}

/**
 * Until when at the latest (milliseconds since the epoch) changes wait for the pods of what was put to sleep: beside none
 * that serves, pods that do not work could not be told from those that do, and nothing would be taken back. What does not
 * come up may need the very change. Undefined: none has to wait.
 */
export function wakesUntil(
  {rollout}: Instance['spec'],
  live: Deployment,
  observed: Observed,
  now: number,
): number | undefined {
  if (live.metadata.annotations?.[SLEEPING] === undefined || runsEverywhere(live, observed)) return undefined;
  const known = new Known(observed.firstSeen, {now, monotonic: observed.monotonic});
  return known.dueAt(wakingSeenId(live) ?? '', rollout.progressDeadlineSeconds * 1000);
}

/** Under which it is seen that a Deployment that slept has been given pods, and does not serve yet. */
export function wakingSeenId({metadata, spec}: Deployment): string | undefined {
  const wakes = metadata.annotations?.[SLEEPING] !== undefined && spec?.replicas !== 0;
  return wakes ? `waking ${metadata.uid ?? ''}` : undefined;
}

function scale(live: KubeObject, replicas: number, before: string | null): Step {
  return {
    kind: 'patch',
    type: RESOURCES.Deployment,
    object: live,
    patch: {metadata: {annotations: {[SLEEPING]: before}}, spec: {replicas}},
  };
}

function awake(live: KubeObject): Step {
  const patch = {metadata: {annotations: {[SLEEPING]: null}}, spec: {}};
  return {kind: 'patch', type: RESOURCES.Deployment, object: live, patch};
}
