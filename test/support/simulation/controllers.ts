import {RESOURCES, type KubeObject} from '../../../src/kube/objects.ts';
import type {Deployment, Job} from '../../../src/operator/workloads.ts';
import type {SimulatedApi} from './api.ts';
import type {Random} from './random.ts';
import type {SimulatedTime} from './time.ts';

const BY = 'controllers';

/** What the cluster itself does: Jobs end, Deployments roll out, what belongs to something deleted goes. */
export function playControllers(api: SimulatedApi, time: SimulatedTime, random: Random): void {
  api.onEntry(({plural, before, after}) => {
    if (plural === 'jobs' && before === undefined && after !== undefined) {
      time.after(random.between(50, 500), () => endJob(api, after, time));
    }
    if (plural === 'deployments' && after !== undefined && !rolledOut(after)) {
      time.after(random.between(50, 500), () => rollOut(api, after));
    }
    if (after === undefined && before !== undefined) {
      time.after(random.between(20, 300), () => collect(api));
    }
  });
  const sweep = (): void => {
    collect(api);
    time.after(10_000, sweep);
  };
  time.after(10_000, sweep);
}

/** A migration succeeds, unless the database's URL is a wrong one; other Jobs always do. */
function endJob(api: SimulatedApi, {metadata}: Job, time: SimulatedTime): void {
  const job = api.get(RESOURCES.Job, metadata);
  if (job === undefined || job.metadata.uid !== metadata.uid) return;
  const secret = api.get(RESOURCES.Secret, {namespace: metadata.namespace, name: 'auth-db'});
  const url = (secret?.['data'] as Record<string, string> | undefined)?.['database-url'] ?? '';
  const migrates = job.metadata.labels?.['app.kubernetes.io/component'] === 'migration';
  const failed =
    migrates && (secret === undefined || Buffer.from(url, 'base64').toString().includes('wrong'));
  const at = new Date(Date.parse('2026-11-23T12:00:00Z') + time.now).toISOString();
  const type = failed ? 'Failed' : 'Complete';
  const reason = failed ? {reason: 'BackoffLimitExceeded'} : {};
  api.write(BY, {
    verb: 'merge',
    type: RESOURCES.Job,
    key: metadata,
    patch: {status: {conditions: [{type, status: 'True', ...reason, lastTransitionTime: at}]}},
    status: true,
  });
}

function rolledOut({metadata, spec, status}: Deployment): boolean {
  return (
    status?.observedGeneration === metadata.generation && status?.readyReplicas === (spec?.replicas ?? 1)
  );
}

function rollOut(api: SimulatedApi, {metadata}: KubeObject): void {
  const live: Deployment | undefined = api.get(RESOURCES.Deployment, metadata);
  if (live === undefined || rolledOut(live)) return;
  const replicas = live.spec?.replicas ?? 1;
  const status = {
    observedGeneration: live.metadata.generation,
    replicas,
    updatedReplicas: replicas,
    readyReplicas: replicas,
    availableReplicas: replicas,
  };
  api.write(BY, {verb: 'merge', type: RESOURCES.Deployment, key: metadata, patch: {status}, status: true});
}

/** As the garbage collector: an object whose owner is gone goes as well. */
function collect(api: SimulatedApi): void {
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
