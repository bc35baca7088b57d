/**
 * The vocabulary of a cluster: objects as the API server sends them (plain JSON, times as strings, unknown fields
 * kept, so that what was read may be written back) and where each type lives.
 */

export interface OwnerReference {
  apiVersion: string;
  kind: string;
  name: string;
  uid: string;
  controller?: boolean;
  blockOwnerDeletion?: boolean;
}

/** Which fields of an object somebody set, as the API server keeps it. */
export interface ManagedFieldsEntry {
  manager?: string;
  operation?: 'Apply' | 'Update';
  apiVersion?: string;
  time?: string;
  fieldsType?: string;
  fieldsV1?: Record<string, unknown>;
  subresource?: string;
}

export interface ObjectMeta {
  name: string;
  namespace?: string;
  uid?: string;
  resourceVersion?: string;
  generation?: number;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  ownerReferences?: OwnerReference[];
  creationTimestamp?: string;
  deletionTimestamp?: string;
  finalizers?: string[];
  generateName?: string;
  managedFields?: ManagedFieldsEntry[];
}

/** An object of whatever type: what all of them have. */
export interface KubeObject {
  apiVersion: string;
  kind: string;
  metadata: ObjectMeta;
  [field: string]: unknown;
}

/** Names one object of a type; `namespace` is left out for a type that has none. */
export interface ObjectKey {
  namespace?: string | undefined;
  name: string;
}

/** A type as the API server's URLs name it. */
export interface ResourceType {
  /** `v1`, or `group/version`. */
  readonly apiVersion: string;
  readonly kind: string;
  /** The word in the URL: lower case, plural. */
  readonly plural: string;
  readonly namespaced: boolean;
}

const namespaced = (apiVersion: string, kind: string, plural: string): ResourceType => ({
  apiVersion,
  kind,
  plural,
  namespaced: true,
});

const clusterWide = (apiVersion: string, kind: string, plural: string): ResourceType => ({
  apiVersion,
  kind,
  plural,
  namespaced: false,
});

/** The built-in types that an operator meets. A custom resource's own type is defined where its kind is known. */
export const RESOURCES = {
  ConfigMap: namespaced('v1', 'ConfigMap', 'configmaps'),
  Event: namespaced('events.k8s.io/v1', 'Event', 'events'),
  Namespace: clusterWide('v1', 'Namespace', 'namespaces'),
  PersistentVolumeClaim: namespaced('v1', 'PersistentVolumeClaim', 'persistentvolumeclaims'),
  Pod: namespaced('v1', 'Pod', 'pods'),
  Secret: namespaced('v1', 'Secret', 'secrets'),
  Service: namespaced('v1', 'Service', 'services'),
  ServiceAccount: namespaced('v1', 'ServiceAccount', 'serviceaccounts'),
  Deployment: namespaced('apps/v1', 'Deployment', 'deployments'),
  ReplicaSet: namespaced('apps/v1', 'ReplicaSet', 'replicasets'),
  HorizontalPodAutoscaler: namespaced(
    'autoscaling/v2',
    'HorizontalPodAutoscaler',
    'horizontalpodautoscalers',
  ),
  CronJob: namespaced('batch/v1', 'CronJob', 'cronjobs'),
  Job: namespaced('batch/v1', 'Job', 'jobs'),
  Lease: namespaced('coordination.k8s.io/v1', 'Lease', 'leases'),
  EndpointSlice: namespaced('discovery.k8s.io/v1', 'EndpointSlice', 'endpointslices'),
  Ingress: namespaced('networking.k8s.io/v1', 'Ingress', 'ingresses'),
  NetworkPolicy: namespaced('networking.k8s.io/v1', 'NetworkPolicy', 'networkpolicies'),
  PodDisruptionBudget: namespaced('policy/v1', 'PodDisruptionBudget', 'poddisruptionbudgets'),
  Role: namespaced('rbac.authorization.k8s.io/v1', 'Role', 'roles'),
  RoleBinding: namespaced('rbac.authorization.k8s.io/v1', 'RoleBinding', 'rolebindings'),
  ClusterRole: clusterWide('rbac.authorization.k8s.io/v1', 'ClusterRole', 'clusterroles'),
  ClusterRoleBinding: clusterWide(
    'rbac.authorization.k8s.io/v1',
    'ClusterRoleBinding',
    'clusterrolebindings',
  ),
  CustomResourceDefinition: clusterWide(
    'apiextensions.k8s.io/v1',
    'CustomResourceDefinition',
    'customresourcedefinitions',
  ),
} as const satisfies Record<string, ResourceType>;

/** `namespace/name`, or `name` for an object without a namespace: the key of stores and queues. */
export function keyOf(
  object: {metadata: {name: string; namespace?: string | undefined}} | ObjectKey,
): string {
  const {name, namespace} = 'metadata' in object ? object.metadata : object;
  return namespace === undefined || namespace === '' ? name : `${namespace}/${name}`;
}

/** The opposite of {@link keyOf}. */
export function parseKey(key: string): ObjectKey {
  const slash = key.indexOf('/');
  return slash < 0 ? {name: key} : {namespace: key.slice(0, slash), name: key.slice(slash + 1)};
}

/**
 * The path of a collection (without `name`), of one object, or of its subresource.
 * A namespaced type without `namespace` means all namespaces, which only a collection can.
 * @throws TypeError when one object of a namespaced type is asked for without its namespace
 */
export function pathOf(
  type: ResourceType,
  where: {namespace?: string | undefined; name?: string | undefined; subresource?: string | undefined} = {},
): string {
  const root = type.apiVersion.includes('/') ? `/apis/${type.apiVersion}` : `/api/${type.apiVersion}`;
  if (type.namespaced && where.name !== undefined && !where.namespace) {
    throw new TypeError(
      `${type.kind} ${where.name}: the namespace is missing; give it in the key or in metadata`,
    );
  }
  const scope =
    type.namespaced && where.namespace ? `/namespaces/${encodeURIComponent(where.namespace)}` : '';
  const name = where.name === undefined ? '' : `/${encodeURIComponent(where.name)}`;
  const subresource = where.subresource === undefined ? '' : `/${where.subresource}`;
  return `${root}${scope}/${type.plural}${name}${subresource}`;
}

/** The owner that controls an object (at most one may), or undefined. */
export function controllerOf(object: {metadata: ObjectMeta}): OwnerReference | undefined {
  return object.metadata.ownerReferences?.find((owner) => owner.controller === true);
}

/** Items of a list come without type, and metadata-only objects with another one. */
export function typed<T extends KubeObject>(type: ResourceType, object: T): T {
  if (object.kind === type.kind && object.apiVersion === type.apiVersion) return object;
  return {...object, apiVersion: type.apiVersion, kind: type.kind};
}
