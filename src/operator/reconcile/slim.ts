import type {KubeObject} from '../../kube/objects.ts';
import {shortHash} from '../desired/hash.ts';
import {TEMPLATE_HASH} from '../status/rollout.ts';
import {configMapsOf, type Deployment, type Pod, type PodTemplate, type ReplicaSet} from '../workloads.ts';
import {withoutSecrets} from './keys.ts';

/** What is kept of an object that belongs to a resource: no secrets, and no more than is read. */
export function slim<T extends KubeObject>(object: T): T {
  switch (object.kind) {
    case 'Secret':
      return bare(withoutSecrets(object));
    case 'Pod':
      return slimPod(object) as unknown as T;
    case 'ReplicaSet':
      return slimReplicaSet(object) as unknown as T;
    case 'Deployment': {
      const {spec} = object as unknown as Deployment;
      return {...bare(object), [TEMPLATE_HASH]: templateHash(spec?.template)};
    }
    default:
      return bare(object);
  }
}

/** Who manages which field is read live, where it matters. */
function bare<T extends KubeObject>(object: T): T {
  if (object.metadata.managedFields === undefined) return object;
  const {managedFields: _, ...metadata} = object.metadata;
  return {...object, metadata};
}

function slimPod(pod: Pod): Pod {
  const {apiVersion, kind, spec, status} = pod;
  const {
    name,
    namespace,
    uid,
    resourceVersion,
    labels,
    ownerReferences,
    creationTimestamp,
    deletionTimestamp,
  } = pod.metadata;
  return {
    apiVersion,
    kind,
    metadata: defined({
      name,
      namespace,
      uid,
      resourceVersion,
      labels,
      ownerReferences,
      creationTimestamp,
      deletionTimestamp,
    }),
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

function slimReplicaSet(set: ReplicaSet): ReplicaSet {
  const {apiVersion, kind, spec, status} = set;
  const {name, namespace, uid, resourceVersion, labels, ownerReferences, deletionTimestamp} = set.metadata;
  const revision = set.metadata.annotations?.['deployment.kubernetes.io/revision'];
  return {
    apiVersion,
    kind,
    metadata: defined({
      name,
      namespace,
      uid,
      resourceVersion,
      labels,
      ownerReferences,
      deletionTimestamp,
      annotations: revision === undefined ? undefined : {'deployment.kubernetes.io/revision': revision},
    }),
    spec: defined({
      replicas: spec?.replicas,
      template: {spec: {volumes: configVolumes(spec?.template?.spec)}},
    }),
    ...(status && {status: defined({replicas: status.replicas, readyReplicas: status.readyReplicas})}),
    [TEMPLATE_HASH]: templateHash(spec?.template),
  };
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
