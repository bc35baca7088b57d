import {keyOf, RESOURCES, type KubeObject, type ObjectKey} from '../../../src/kube/objects.ts';
import {shortHash} from '../../../src/operator/desired/hash.ts';
import {
  trueCondition,
  type Deployment,
  type Pod,
  type ReplicaSet,
  type StatusCondition,
} from '../../../src/operator/workloads.ts';
import {isOwnedBy, isUp, podOf, reference} from './pods.ts';
import {DESIRED, nextSizes, sum, type Revision} from './rolling.ts';
import {dated} from './time.ts';
import type {World} from './world.ts';

const BY = 'controllers';
const REVISION = 'deployment.kubernetes.io/revision';
/** What a pod that is told to end still serves. */
const ENDING_MS = [1000, 6000] as const;

type Rolling = Deployment & {
  spec?: {progressDeadlineSeconds?: number; strategy?: {rollingUpdate?: {maxSurge?: number}}};
};
type Progress = StatusCondition & {readonly sinceMs: number};
type Counts = Omit<NonNullable<Deployment['status']>, 'conditions'>;

/**
 * Deployments and ReplicaSets, as the cluster's own controllers work them: an old pod goes when a new one is ready, and
 * a roll-out that makes no progress says so in time.
 */
export function playDeployments(world: World): void {
  const {api, time, random} = world;
  const due = new Set<string>();
  const soon = (key: ObjectKey): void => {
    const id = keyOf(key);
    if (due.has(id)) return;
    due.add(id);
    time.after(random.between(5, 60), () => {
      due.delete(id);
      new Turn(world, key).take();
    });
  };
  api.onEntry(({plural, before, after}) => {
    const object = after ?? before;
    if (object === undefined) return;
    if (plural === 'deployments' && after !== undefined) soon(after.metadata);
    const set =
      plural === 'pods' ? api.list('replicasets').find((each) => isOwnedBy(object, each)) : undefined;
    const changed = plural === 'replicasets' ? object : set;
    const deployment = changed && api.list('deployments').find((each) => isOwnedBy(changed, each));
    if (deployment !== undefined) soon(deployment.metadata);
  });
}

/** One look of the controllers at one Deployment. */
class Turn {
  readonly #world: World;
  readonly #key: ObjectKey;

  constructor(world: World, key: ObjectKey) {
    this.#world = world;
    this.#key = key;
  }

  take(): void {
    const {api} = this.#world;
    const live: Rolling | undefined = api.get(RESOURCES.Deployment, this.#key);
    if (live === undefined) return;
    const name = setNameOf(live);
    const made = this.#becomeNewest(live, name);
    const revisions = this.#revisions(live);
    const newest = revisions.find(({set}) => set.metadata.name === name);
    if (newest === undefined) throw new Error(`there is no ReplicaSet ${name}`);
    const desired = live.spec?.replicas ?? 1;
    const surge = live.spec?.strategy?.rollingUpdate?.maxSurge ?? 1;
    for (const [{metadata}, replicas] of nextSizes(revisions, newest, {desired, surge})) {
      const patch = {metadata: {annotations: {[DESIRED]: String(desired)}}, spec: {replicas}};
      api.write(BY, {verb: 'merge', type: RESOURCES.ReplicaSet, key: metadata, patch});
    }
    // Pods come after the count: a ReplicaSet that is there again is first seen without any.
    this.#tell(live, name, made);
    for (const revision of this.#revisions(live)) this.#fill(revision);
  }

  #revisions(live: Rolling): Revision[] {
    const pods: Pod[] = this.#world.api.list('pods');
    const sets: ReplicaSet[] = this.#world.api.list('replicasets');
    return sets
      .filter((each) => isOwnedBy(each, live))
      .map((set) => {
        const own = pods.filter((pod) => isOwnedBy(pod, set) && pod.metadata.deletionTimestamp === undefined);
        const up = own.filter(isUp);
        // Those of before were waited for when they came.
        const waits = set.metadata.name === setNameOf(live) ? this.#leftMs(live, up) : [];
        for (const ms of waits) this.#world.time.after(ms, () => new Turn(this.#world, this.#key).take());
        const size = set.spec?.replicas ?? 0;
        return {set, pods: own, size, ready: up.length, available: up.length - waits.length};
      });
  }

  /** Of the pods that are ready, how long those have to stay so that count as available only then. */
  #leftMs({spec}: Rolling, up: readonly Pod[]): number[] {
    const least = (spec?.minReadySeconds ?? 0) * 1000;
    return up
      .map((pod) => {
        const since = trueCondition(pod, 'Ready')?.lastTransitionTime;
        return since === undefined ? 0 : Date.parse(since) + least - Date.parse(dated(this.#world.time));
      })
      .filter((ms) => ms > 0);
  }

  /** The ReplicaSet of the present template is there, and has the highest revision. True when it was made. */
  #becomeNewest(live: Rolling, name: string): boolean {
    const {api} = this.#world;
    const known = api.list('replicasets').filter((each) => isOwnedBy(each, live));
    const revisionOf = ({metadata}: KubeObject): number => Number(metadata.annotations?.[REVISION] ?? '0');
    const there = known.find(({metadata}) => metadata.name === name);
    const highest = Math.max(0, ...known.filter((each) => each !== there).map(revisionOf));
    const revision = String(Math.max(there === undefined ? 0 : revisionOf(there), highest + 1));
    const patch = {metadata: {annotations: {[REVISION]: revision}}};
    if (there !== undefined)
      api.write(BY, {verb: 'merge', type: RESOURCES.ReplicaSet, key: there.metadata, patch});
    else {
      const {template} = live.spec ?? {};
      const labels = {...template?.metadata?.labels, 'pod-template-hash': name.slice(-8)};
      const object = {
        apiVersion: 'apps/v1',
        kind: 'ReplicaSet',
        metadata: {
          name,
          namespace: live.metadata.namespace ?? '',
          labels,
          annotations: {[REVISION]: revision},
          ownerReferences: [reference(live)],
        },
        spec: {replicas: 0, template: {...template, metadata: {...template?.metadata, labels}}},
      };
      api.write(BY, {verb: 'create', type: RESOURCES.ReplicaSet, object, manager: BY});
    }
    api.write(BY, {verb: 'merge', type: RESOURCES.Deployment, key: live.metadata, patch});
    return there === undefined;
  }

  /** As many pods as there are to be: those that are not ready go first. */
  #fill({set, pods, size}: Revision): void {
    const {api, time, random} = this.#world;
    for (let n = pods.length; n < size; n++) {
      const object = podOf(set, set.spec?.template, this.#world);
      api.write(BY, {verb: 'create', type: RESOURCES.Pod, object, manager: BY});
    }
    const victims = pods.toSorted((a, b) => Number(isUp(a)) - Number(isUp(b)));
    for (const {metadata} of victims.slice(0, Math.max(0, pods.length - size))) {
      const patch = {metadata: {deletionTimestamp: dated(time)}};
      api.write(BY, {verb: 'merge', type: RESOURCES.Pod, key: metadata, patch});
      time.after(random.between(...ENDING_MS), () => {
        const {uid} = metadata;
        if (api.get(RESOURCES.Pod, metadata)?.metadata.uid !== uid) return;
        api.write(BY, {verb: 'delete', type: RESOURCES.Pod, key: metadata, uid});
      });
    }
  }

  /** What is seen of it stands in each ReplicaSet, and in the Deployment. */
  #tell(live: Rolling, name: string, made: boolean): void {
    const {api, time} = this.#world;
    const revisions = this.#revisions(live);
    for (const {set, pods, ready, available} of revisions) {
      const status = {replicas: pods.length, readyReplicas: ready, availableReplicas: available};
      const type = RESOURCES.ReplicaSet;
      api.write(BY, {verb: 'merge', type, key: set.metadata, patch: {status}, status: true});
    }
    const counts = {
      observedGeneration: live.metadata.generation ?? 0,
      replicas: sum(revisions.map(({pods}) => pods.length)),
      updatedReplicas: revisions.find(({set}) => set.metadata.name === name)?.pods.length ?? 0,
      readyReplicas: sum(revisions.map((each) => each.ready)),
      availableReplicas: sum(revisions.map((each) => each.available)),
    };
    const before = live.status?.conditions?.find(({type}) => type === 'Progressing') as Progress | undefined;
    const progress = progressOf(live, counts, {before, made, now: time.now});
    const status = {...counts, conditions: [progress]};
    const type = RESOURCES.Deployment;
    api.write(BY, {verb: 'merge', type, key: live.metadata, patch: {status}, status: true});
    if (progress.sinceMs === before?.sinceMs || progress.status === 'False') return;
    time.after(deadlineMs(live), () => new Turn(this.#world, this.#key).take());
  }
}

// A template is hashed once, however often it is looked at.
const hashes = new WeakMap<object, string>();

function setNameOf({metadata, spec}: Rolling): string {
  const template = spec?.template ?? {};
  const hash = hashes.get(template) ?? shortHash([metadata.uid, template]);
  hashes.set(template, hash);
  return `${metadata.name}-${hash}`;
}

function deadlineMs({spec}: Rolling): number {
  return (spec?.progressDeadlineSeconds ?? 600) * 1000;
}

function progressOf(
  live: Rolling,
  counts: Required<Counts>,
  {before, made, now}: {before: Progress | undefined; made: boolean; now: number},
): Progress {
  const say = (reason: string, status = 'True'): Progress => ({
    type: 'Progressing',
    status,
    reason,
    sinceMs: now,
  });
  if (made || before === undefined) return say('NewReplicaSetCreated');
  const complete = before.reason === 'NewReplicaSetAvailable';
  const {replicas, updatedReplicas, readyReplicas, availableReplicas} = counts;
  if (complete && replicas === updatedReplicas) return before;
  const desired = live.spec?.replicas ?? 1;
  if (updatedReplicas === desired && replicas === desired && availableReplicas === desired)
    return complete ? before : say('NewReplicaSetAvailable');
  const old: Counts = live.status ?? {};
  const moves =
    updatedReplicas > (old.updatedReplicas ?? 0) ||
    readyReplicas > (old.readyReplicas ?? 0) ||
    availableReplicas > (old.availableReplicas ?? 0) ||
    replicas - updatedReplicas < (old.replicas ?? 0) - (old.updatedReplicas ?? 0);
  if (moves) return say('ReplicaSetUpdated');
  const late = !complete && now >= before.sinceMs + deadlineMs(live);
  return late && before.status === 'True' ? say('ProgressDeadlineExceeded', 'False') : before;
}
