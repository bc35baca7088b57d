import {bare} from '../../kube/bare.ts';
import type {KubeObject, ObjectMeta} from '../../kube/objects.ts';
import {shortHash} from '../desired/hash.ts';
import {TEMPLATE_HASH} from '../status/rollout.ts';
import {
  configMapsOf,
  type Deployment,
  type Job,
  type Pod,
  type PodTemplate,
  type ReplicaSet,
} from '../workloads.ts';
import {withoutSecrets} from './keys.ts';

/** What is kept of an object that belongs to a resource: no secrets, and no more than is read. */
export function slim<T extends KubeObject>(object: T): T {
  return kept(object) as unknown as T;
}

function kept(object: KubeObject): KubeObject {
  switch (object.kind) {
    case 'Secret':
      return withoutSecrets(bare(object));
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
  const {spec, ...rest} = bare(job);
  return {...rest, spec: defined({suspend: spec?.suspend})};
}

function slimPod({apiVersion, kind, metadata, spec, status}: Pod): Pod {
  return {
    apiVersion,
    kind,
    metadata: identity(metadata),
    spec: {
      containers: (spec?.containers ?? []).map((each) => defined({name: each.name, image: each.image})),
      volumes: configVolumes(spec),
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
      template: {spec: {volumes: configVolumes(spec?.template?.spec)}},
    }),
    ...(status && {status: defined({replicas: status.replicas, readyReplicas: status.readyReplicas})}),
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

function configVolumes(spec: PodTemplate['spec']): {name: string; configMap: {name: string}}[] {
  return configMapsOf(spec).map((name) => ({name, configMap: {name}}));
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
