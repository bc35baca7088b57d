import type {KubeObject} from '../../kube/objects.ts';
import {childMeta} from './children.ts';
import type {Instance} from './instance.ts';
import {names} from './names.ts';

/** Pods by load; undefined where their number is fixed. */
export function horizontalPodAutoscaler(instance: Instance): KubeObject | undefined {
  const {scaling} = instance.spec;
  if (scaling.kind === 'Fixed') return undefined;
  const {server} = names(instance);
  return {
    apiVersion: 'autoscaling/v2',
    kind: 'HorizontalPodAutoscaler',
    metadata: childMeta(instance, server, 'server'),
    spec: {
      scaleTargetRef: {apiVersion: 'apps/v1', kind: 'Deployment', name: server},
      minReplicas: scaling.minReplicas,
      maxReplicas: scaling.maxReplicas,
      metrics: [
        utilization('cpu', scaling.targetCPUUtilization),
        utilization('memory', scaling.targetMemoryUtilization),
      ],
    },
  };
}

function utilization(name: string, averageUtilization: number) {
  return {type: 'Resource', resource: {name, target: {type: 'Utilization', averageUtilization}}};
}
