import {RESOURCES, type KubeObject, type ObjectKey} from '../../../src/kube/objects.ts';
import type {Deployment, Job, Pod} from '../../../src/operator/workloads.ts';
import {playDeployments} from './deployments.ts';
import {playKubelet} from './kubelet.ts';
import {isOwnedBy, podOf} from './pods.ts';
import {dated} from './time.ts';
import type {World} from './world.ts';

const BY = 'controllers';

/** What the cluster itself does: pods start, Jobs end, Deployments roll out, what belongs to something deleted goes. */
export function playControllers(world: World): void {
  const {api, time, random} = world;
  playKubelet(world);
  playDeployments(world);
  playAutoscalers(world);
  api.onEntry(({plural, before, after}) => {
    if (plural === 'jobs' && before === undefined && after !== undefined) startJob(world, after);
    if (plural === 'pods' && after !== undefined) {
      const job = api.list('jobs').find((each) => isOwnedBy(after, each));
      const {phase} = (after as Pod).status ?? {};
      const end = phase === 'Succeeded' ? 'Complete' : phase === 'Failed' ? 'Failed' : undefined;
      if (job !== undefined && end !== undefined)
        time.after(random.between(5, 60), () => endJob(world, job, end, 'BackoffLimitExceeded'));
    }
    if (after === undefined && before !== undefined) {
      time.after(random.between(20, 300), () => collect(world));
    }
  });
  const sweep = (): void => {
    collect(world);
    time.after(10_000, sweep);
  };
  time.after(10_000, sweep);
}

/** Without load: as few pods as an autoscaler may have; none at all is not its business. */
function playAutoscalers({api, time, random}: World): void {
  const look = (key: ObjectKey): void => {
    const scaler = api.get(RESOURCES.HorizontalPodAutoscaler, key);
    const live: Deployment | undefined = api.get(RESOURCES.Deployment, key);
    if (scaler === undefined || live?.spec?.replicas === undefined || live.spec.replicas === 0) return;
    const {minReplicas, maxReplicas} = scaler['spec'] as {minReplicas?: number; maxReplicas?: number};
    // Somebody else's, which is for nothing.
    if (minReplicas === undefined || maxReplicas === undefined) return;
    const replicas = Math.min(maxReplicas, Math.max(minReplicas, live.spec.replicas));
    api.write(BY, {verb: 'merge', type: RESOURCES.Deployment, key, patch: {spec: {replicas}}});
  };
  api.onEntry(({plural, after}) => {
    if (after === undefined || (plural !== 'horizontalpodautoscalers' && plural !== 'deployments')) return;
    time.after(random.between(500, 5000), () => look(after.metadata));
  });
}

/** One pod, which has as long as the Job says. */
function startJob(world: World, job: Job): void {
  const {api, time, random} = world;
  time.after(random.between(5, 60), () => {
    if (liveOf(world, job) === undefined) return;
    const object = podOf(job, job.spec?.template, world);
    api.write(BY, {verb: 'create', type: RESOURCES.Pod, object, manager: BY});
  });
  const seconds = job.spec?.activeDeadlineSeconds ?? 600;
  time.after(seconds * 1000, () => {
    const live = liveOf(world, job);
    if (live === undefined || live.status?.conditions !== undefined) return;
    for (const pod of api.list('pods').filter((each) => isOwnedBy(each, job)))
      api.write(BY, {verb: 'delete', type: RESOURCES.Pod, key: pod.metadata});
    endJob(world, job, 'Failed', 'DeadlineExceeded');
  });
}

function liveOf({api}: World, {metadata}: KubeObject): Job | undefined {
  const live = api.get(RESOURCES.Job, metadata);
  return live?.metadata.uid === metadata.uid ? live : undefined;
}

function endJob(world: World, job: KubeObject, type: 'Complete' | 'Failed', why: string): void {
  const live = liveOf(world, job);
  if (live === undefined || live.status?.conditions !== undefined) return;
  const reason = type === 'Failed' ? {reason: why} : {};
  const patch = {
    status: {conditions: [{type, status: 'True', ...reason, lastTransitionTime: dated(world.time)}]},
  };
  const key = job.metadata;
  world.api.write(BY, {verb: 'merge', type: RESOURCES.Job, key, patch, status: true});
}

/** As the garbage collector: an object whose owner is gone goes as well. */
function collect({api}: World): void {
  const all = api.list();
  const there = new Set(all.map((each) => each.metadata.uid));
  for (const object of all) {
    const owners = object.metadata.ownerReferences ?? [];
    if (owners.length === 0 || owners.some((owner) => there.has(owner.uid))) continue;
    const type = Object.values(RESOURCES).find(
      (each) => each.kind === object.kind && each.apiVersion === object.apiVersion,
    );
    if (type !== undefined && api.get(type, object.metadata)?.metadata.uid === object.metadata.uid)
      api.write(BY, {verb: 'delete', type, key: object.metadata, uid: object.metadata.uid});
  }
}
