import type {KubeObject} from '../kube/objects.ts';
import {TLS_VOLUME} from './desired/pod.ts';

/** The parts of the cluster's own objects that the operator reads. All of it may be missing: others write it. */

interface ContainerState {
  waiting?: {reason?: string; message?: string};
  running?: {startedAt?: string};
  terminated?: {
    exitCode?: number;
    reason?: string;
    message?: string;
    startedAt?: string;
  };
}

export interface ContainerStatus {
  name: string;
  image?: string;
  ready?: boolean;
  restartCount?: number;
  state?: ContainerState;
  lastState?: ContainerState;
}

export interface StatusCondition {
  type: string;
  status: string;
  reason?: string;
  message?: string;
  lastTransitionTime?: string;
}

interface Volume {
  name: string;
  configMap?: {name?: string};
  secret?: {secretName?: string};
  projected?: {sources?: {configMap?: {name?: string}}[]};
}

export interface PodTemplate {
  metadata?: {labels?: Record<string, string>; annotations?: Record<string, string>};
  spec?: {
    containers?: {name: string; image?: string}[];
    volumes?: Volume[];
  };
}

export interface Pod extends KubeObject {
  spec?: PodTemplate['spec'];
  status?: {
    phase?: string;
    reason?: string;
    message?: string;
    podIP?: string;
    startTime?: string;
    conditions?: StatusCondition[];
    containerStatuses?: ContainerStatus[];
    initContainerStatuses?: ContainerStatus[];
  };
}

export interface Job extends KubeObject {
  spec?: {suspend?: boolean; template?: PodTemplate; activeDeadlineSeconds?: number};
  status?: {
    active?: number;
    succeeded?: number;
    failed?: number;
    terminating?: number;
    startTime?: string;
    completionTime?: string;
    conditions?: StatusCondition[];
  };
}

export interface Deployment extends KubeObject {
  spec?: {replicas?: number; minReadySeconds?: number; template?: PodTemplate};
  status?: {
    observedGeneration?: number;
    replicas?: number;
    updatedReplicas?: number;
    readyReplicas?: number;
    availableReplicas?: number;
    conditions?: StatusCondition[];
  };
}

export interface ReplicaSet extends KubeObject {
  spec?: {replicas?: number; template?: PodTemplate};
  status?: {replicas?: number; readyReplicas?: number; availableReplicas?: number};
}

export interface CronJob extends KubeObject {
  spec?: {schedule?: string; timeZone?: string; suspend?: boolean};
  status?: {lastScheduleTime?: string; lastSuccessfulTime?: string};
}

/** A condition of that type that is True. */
export function trueCondition(
  object: {status?: {conditions?: StatusCondition[]}},
  type: string,
): StatusCondition | undefined {
  return object.status?.conditions?.find((each) => each.type === type && each.status === 'True');
}

/** Names of the ConfigMaps that a pod of this template mounts. */
export function configMapsOf(spec: {readonly volumes?: readonly object[]} | undefined): string[] {
  return ((spec?.volumes ?? []) as readonly Volume[]).flatMap((volume) => [
    ...(volume.configMap?.name === undefined ? [] : [volume.configMap.name]),
    ...(volume.projected?.sources ?? []).flatMap((source) => source.configMap?.name ?? []),
  ]);
}

/** The Secret whose certificate a pod of this template shows; undefined for one that speaks http. */
export function certificateSecretOf(
  spec: {readonly volumes?: readonly object[]} | undefined,
): string | undefined {
  const volumes = (spec?.volumes ?? []) as readonly Volume[];
  return volumes.find(({name}) => name === TLS_VOLUME)?.secret?.secretName;
}

/** A pod of the server. */
export function isOfServer({metadata}: Pod): boolean {
  return metadata.labels?.['app.kubernetes.io/component'] === 'server';
}

/** A pod of the server that has not ended. */
export function serves(pod: Pod): boolean {
  return isOfServer(pod) && pod.status?.phase !== 'Failed' && pod.status?.phase !== 'Succeeded';
}
