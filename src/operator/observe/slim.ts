import type {FraiseQLAuthStatus} from '../../api/v1alpha1/fraiseqlauth.ts';
import {carries} from '../../kube/applied-hash.ts';
import {AS_APPLIED} from '../../kube/apply.ts';
import {bare} from '../../kube/bare.ts';
import type {KubeObject, ObjectMeta} from '../../kube/objects.ts';
import {RecentMap} from '../../support/recent-map.ts';
import {shortHash} from '../desired/hash.ts';
import {TEMPLATE_HASH} from '../decide/rollout.ts';
import {TLS_VOLUME} from '../desired/pod.ts';
import {
  certificateSecretOf,
  configMapsOf,
  type CronJob,
  type Deployment,
  type Job,
  type Pod,
  type PodTemplate,
  type ReplicaSet,
} from '../workloads.ts';
import {withoutSecrets} from '../key-view.ts';

/** What is kept of an object that belongs to a resource: no secrets, and no more than is read. */
export function slim<T extends KubeObject>(object: T): T {
  return kept(object) as unknown as T;
}

/** Kinds of which nothing is read, once they are as they should be, but what they are and whose. */
const JUST_THERE: ReadonlySet<string> = new Set([
  'ConfigMap',
  'HorizontalPodAutoscaler',
  'PodDisruptionBudget',
  'Service',
  'ServiceAccount',
]);

/**
 * What is kept of a child that was compared and found as it should be: it is not compared again until it changes, so
 * what it was compared by goes. Undefined where all of it stays.
 */
export function settled<T extends KubeObject>(object: T, desiredHash: string): T | undefined {
  const {metadata, apiVersion, kind} = object;
  if (!carries(object, desiredHash)) return undefined;
  const husk = {
    apiVersion: once(apiVersion),
    kind: once(kind),
    metadata: shared(metadata),
    [AS_APPLIED]: desiredHash,
  };
  if (kind === 'CronJob') {
    const {spec, status} = object as CronJob;
    // The one who puts a service to sleep asks whether its backups are suspended; the status, when they are made.
    return {...husk, ...(spec && {spec: scheduleIn(spec)}), ...(status && {status})} as unknown as T;
  }
  if (JUST_THERE.has(kind)) return husk as unknown as T;
  if (kind !== 'Deployment') return undefined;
  const {spec, status, [TEMPLATE_HASH]: hash} = object as Deployment;
  const template = {spec: {volumes: volumesRead(spec?.template?.spec)}};
  return {
    ...husk,
    spec: defined({replicas: spec?.replicas, template}),
    ...(status && {status}),
    [TEMPLATE_HASH]: hash,
  } as unknown as T;
}

/** When it runs, and whether it does: the status tells of the backups that there are, and not of those that are asked for. */
function scheduleIn({schedule, timeZone, suspend}: NonNullable<CronJob['spec']>): CronJob['spec'] {
  return defined({
    schedule: schedule === undefined ? undefined : once(schedule),
    timeZone: timeZone === undefined ? undefined : once(timeZone),
    suspend,
  });
}

/** What is kept of a resource: of what its conditions say each text once, for most resources say the same. */
export function slimResource<T extends KubeObject & {status?: FraiseQLAuthStatus}>(resource: T): T {
  const {status, ...rest} = bare(resource);
  if (status?.conditions === undefined) return bare(resource);
  return {...rest, status: {...status, conditions: status.conditions.map(allOnce)}} as T;
}

// Values that stand in very many objects, each once.
const recurring = new RecentMap<string, string>(4096);

// What a resource's children have in common. They are looked at together, so few resources' need be known.
const common = new RecentMap<string, object>(256);

/** The same metadata, with what it has in common with that of other objects. */
function shared(metadata: ObjectMeta): ObjectMeta {
  const {namespace, creationTimestamp, labels, ownerReferences} = metadata;
  return {
    ...metadata,
    ...(namespace !== undefined && {namespace: once(namespace)}),
    ...(creationTimestamp !== undefined && {creationTimestamp: once(creationTimestamp)}),
    ...(labels && {labels: inCommon(labels)}),
    ...(ownerReferences && {ownerReferences: inCommon(ownerReferences)}),
  };
}

/** One and the same for all that have the same in them. */
function inCommon<T extends object>(value: T): T {
  const text = JSON.stringify(value);
  const known = common.get(text);
  if (known === undefined) common.set(text, value);
  return (known as T | undefined) ?? value;
}

function allOnce<T extends object>(fields: T): T {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [
      name,
      typeof value === 'string' ? once(value) : (value as unknown),
    ]),
  ) as T;
}

function once(value: string): string {
  const known = recurring.get(value);
  if (known === undefined) recurring.set(value, value);
  return known ?? value;
}

function kept(object: KubeObject): KubeObject {
  switch (object.kind) {
    case 'Secret': {
      const {metadata, ...rest} = withoutSecrets(bare(object));
      return {...rest, metadata: shared(metadata)};
    }
    case 'Deployment':
      return {...bare(object), [TEMPLATE_HASH]: templateHash((object as Deployment).spec?.template)};
    case 'Job':
      return slimJob(object);
    case 'Pod':
      return slimPod(object);
    case 'ReplicaSet':
      return slimReplicaSet(object);
    default:
      return bare(object);
  }
}

/** A Job is never compared: its name says all about it. */
function slimJob(job: Job): Job {
  const {spec, metadata, ...rest} = bare(job);
  return {...rest, metadata: shared(metadata), spec: defined({suspend: spec?.suspend})};
}

function slimPod({apiVersion, kind, metadata, spec, status}: Pod): Pod {
  return {
    apiVersion,
    kind,
    metadata: identity(metadata),
    spec: {
      containers: (spec?.containers ?? []).map((each) => defined({name: each.name, image: each.image})),
      volumes: volumesRead(spec),
    },
    ...(status && {
      status: defined({
        phase: status.phase,
        reason: status.reason,
        message: status.message,
        podIP: status.podIP,
        startTime: status.startTime,
        conditions: status.conditions,
        containerStatuses: status.containerStatuses,
        initContainerStatuses: status.initContainerStatuses,
      }),
    }),
  };
}

const REVISION = 'deployment.kubernetes.io/revision';

function slimReplicaSet({apiVersion, kind, metadata, spec, status}: ReplicaSet): ReplicaSet {
  const revision = metadata.annotations?.[REVISION];
  return {
    apiVersion,
    kind,
    metadata: {
      ...identity(metadata),
      ...(revision !== undefined && {annotations: {[REVISION]: revision}}),
    },
    spec: defined({
      replicas: spec?.replicas,
      template: {spec: {volumes: volumesRead(spec?.template?.spec)}},
    }),
    ...(status && {
      status: defined({
        replicas: status.replicas,
        readyReplicas: status.readyReplicas,
        availableReplicas: status.availableReplicas,
      }),
    }),
    [TEMPLATE_HASH]: templateHash(spec?.template),
  };
}

/** Of metadata: which object it is, of which version, and whose. */
function identity(metadata: ObjectMeta): ObjectMeta {
  const {name, namespace, uid, resourceVersion, labels, ownerReferences} = metadata;
  const {creationTimestamp, deletionTimestamp} = metadata;
  return defined({
    name,
    namespace,
    uid,
    resourceVersion,
    labels,
    ownerReferences,
    creationTimestamp,
    deletionTimestamp,
  });
}

/** The volumes by which pods are told apart: their configuration, and their certificate. */
function volumesRead(spec: PodTemplate['spec']): NonNullable<NonNullable<PodTemplate['spec']>['volumes']> {
  const secretName = certificateSecretOf(spec);
  return [
    ...configMapsOf(spec).map((name) => ({name, configMap: {name}})),
    ...(secretName === undefined ? [] : [{name: TLS_VOLUME, secret: {secretName: once(secretName)}}]),
  ];
}

/** The same for a Deployment's template and for that of the ReplicaSet which was made from it. */
function templateHash(template: PodTemplate | undefined): string {
  const {'pod-template-hash': _, ...labels} = template?.metadata?.labels ?? {};
  const annotations = template?.metadata?.annotations ?? {};
  return shortHash({labels, annotations, spec: template?.spec});
}

type Defined<T> = {[K in keyof T]: Exclude<T[K], undefined>};

/** Without the fields that are undefined. */
function defined<T extends object>(object: T): Defined<T> {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as Defined<T>;
}
