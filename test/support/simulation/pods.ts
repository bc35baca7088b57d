import {quantityNanos} from '../../../src/api/v1alpha1/quantity.ts';
import {RESOURCES, type KubeObject, type OwnerReference} from '../../../src/kube/objects.ts';
import {trueCondition, type Pod, type PodTemplate} from '../../../src/operator/workloads.ts';
import type {World} from './world.ts';

/** What the kubelet reads of a pod. */
export interface PodSpec {
  readonly nodeSelector?: Readonly<Record<string, string>>;
  readonly containers: readonly {
    readonly name: string;
    readonly image: string;
    readonly env?: readonly {name: string; value?: string; valueFrom?: Readonly<Record<string, KeyRef>>}[];
    readonly resources?: {readonly requests?: Readonly<Record<string, string>>};
  }[];
  readonly volumes?: readonly {
    readonly name: string;
    readonly secret?: {secretName: string; items?: readonly {key: string}[]};
    readonly configMap?: {name: string};
  }[];
}
interface KeyRef {
  readonly name: string;
  readonly key: string;
}

/** What becomes of a pod. */
type Fate =
  | {readonly state: 'Runs' | 'Unready' | 'Creating'}
  | {readonly state: 'Unschedulable' | 'Crashes'; readonly why: string}
  | {readonly state: 'Waiting'; readonly reason: string; readonly why: string};

const NODE = {memory: '64Gi', cpu: '16'};

/** Images that there are: others cannot be pulled. */
const REGISTRY = /^registry\.test\//;
/** One that is not there, one that starts nowhere, one that only tries itself out well, one that finds fault with it all. */
export const IMAGES = {
  missing: 'nowhere.test/fraiseql-auth:1',
  crashing: 'registry.test/crashing:1',
  unready: 'registry.test/unready:1',
  refusing: 'registry.test/refusing:1',
};

/** What becomes of it with the Secrets that there are now. */
export function fateOf({api, outside}: Pick<World, 'api' | 'outside'>, {metadata, spec}: Pod): Fate {
  const {nodeSelector = {}, containers, volumes = []} = spec as unknown as PodSpec;
  const {namespace} = metadata;
  const has = (type: 'Secret' | 'ConfigMap', name: string, keys: readonly string[] = []): boolean => {
    const data = api.get(RESOURCES[type], {namespace, name})?.['data'] as Record<string, string> | undefined;
    return data !== undefined && keys.every((key) => data[key] !== undefined);
  };
  const [container] = containers;
  if (container === undefined) throw new Error(`${metadata.name} has no container`);
  const {image, env = [], resources} = container;
  if (Object.entries(nodeSelector).some(([name, value]) => name !== 'kubernetes.io/os' || value !== 'linux'))
    return {state: 'Unschedulable', why: "0/3 nodes match the pod's node selector"};
  for (const [name, most] of Object.entries(NODE)) {
    const asked = quantityNanos(resources?.requests?.[name] ?? '0') ?? 0n;
    if (asked > (quantityNanos(most) ?? 0n)) return {state: 'Unschedulable', why: `Insufficient ${name}`};
  }
  const mounted = volumes.every(
    ({secret, configMap}) =>
      (secret === undefined ||
        has(
          'Secret',
          secret.secretName,
          secret.items?.map(({key}) => key),
        )) &&
      (configMap === undefined || has('ConfigMap', configMap.name)),
  );
  if (!mounted) return {state: 'Creating'};
  if (!REGISTRY.test(image)) return {state: 'Waiting', reason: 'ImagePullBackOff', why: `no ${image}`};
  for (const {valueFrom = {}} of env) {
    const {secretKeyRef, configMapKeyRef} = valueFrom;
    const found =
      (secretKeyRef === undefined || has('Secret', secretKeyRef.name, [secretKeyRef.key])) &&
      (configMapKeyRef === undefined || has('ConfigMap', configMapKeyRef.name, [configMapKeyRef.key]));
    if (!found) return {state: 'Waiting', reason: 'CreateContainerConfigError', why: 'a key is not there'};
  }
  if (image === IMAGES.crashing || env.some(({name}) => name === 'NODE_OPTIONS'))
    return {state: 'Crashes', why: 'it does not start'};
  const unready =
    !outside.podsBecomeReady || image === IMAGES.unready || secretSays(api, namespace, 'auth-db');
  return {state: unready ? 'Unready' : 'Runs'};
}

/** Whether a Secret holds what is wrong. */
export function secretSays(api: World['api'], namespace: string | undefined, name: string): boolean {
  const data = api.get(RESOURCES.Secret, {namespace, name})?.['data'] as Record<string, string> | undefined;
  return Object.values(data ?? {}).some((value) => Buffer.from(value, 'base64').toString().includes('wrong'));
}

/** What it shows of itself. */
export function statusOf({spec}: Pod, fate: Fate, at: string): Record<string, unknown> {
  const name = spec?.containers?.[0]?.name;
  const container = (state: Record<string, unknown>, more = {}): Record<string, unknown> => ({
    containerStatuses: [{name, restartCount: 0, ready: false, state, ...more}],
  });
  switch (fate.state) {
    case 'Unschedulable': {
      const scheduled = {type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message: fate.why};
      return {phase: 'Pending', conditions: [scheduled]};
    }
    case 'Creating':
      return {phase: 'Pending', ...container({waiting: {reason: 'ContainerCreating'}})};
    case 'Waiting':
      return {phase: 'Pending', ...container({waiting: {reason: fate.reason, message: fate.why}})};
    case 'Crashes': {
      const lastState = {terminated: {exitCode: 1, reason: 'Error', message: fate.why}};
      return {phase: 'Running', ...container({waiting: {reason: 'CrashLoopBackOff'}}, {lastState})};
    }
    case 'Unready':
    case 'Runs': {
      const ready = fate.state === 'Runs';
      return {
        phase: 'Running',
        conditions: [{type: 'Ready', status: ready ? 'True' : 'False', lastTransitionTime: at}],
        ...container({running: {startedAt: at}}, {ready}),
      };
    }
    default:
      return fate satisfies never;
  }
}

/** A pod that serves. */
export function isUp(pod: Pod): boolean {
  return pod.metadata.deletionTimestamp === undefined && trueCondition(pod, 'Ready') !== undefined;
}

/** A pod of that owner's template. */
export function podOf(
  owner: KubeObject,
  template: PodTemplate | undefined,
  {random}: Pick<World, 'random'>,
): KubeObject {
  const name = `${owner.metadata.name}-${random.below(0xffff_ffff).toString(36)}`;
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name,
      namespace: owner.metadata.namespace ?? '',
      ...template?.metadata,
      ownerReferences: [reference(owner)],
    },
    spec: template?.spec,
    status: {phase: 'Pending'},
  };
}

export function reference({apiVersion, kind, metadata: {name, uid = ''}}: KubeObject): OwnerReference {
  return {apiVersion, kind, name, uid, controller: true};
}

export function isOwnedBy({metadata}: KubeObject, owner: KubeObject): boolean {
  return metadata.ownerReferences?.some(({uid}) => uid === owner.metadata.uid) === true;
}
