import type {KubeObject} from '../../kube/objects.ts';
import {childMeta, selectorLabels} from './children.ts';
import type {Instance} from './instance.ts';
import {names} from './names.ts';
import {lowestReplicas} from './replicas.ts';

/** At most one pod at a time is taken for maintenance; undefined for a single pod, which would block it for ever. */
export function podDisruptionBudget(instance: Instance): KubeObject | undefined {
  if (lowestReplicas(instance.spec.scaling) < 2) return undefined;
  return {
    apiVersion: 'policy/v1',
    kind: 'PodDisruptionBudget',
    metadata: childMeta(instance, names(instance).server, 'server'),
    spec: {
      maxUnavailable: 1,
      selector: {matchLabels: selectorLabels(instance, 'server')},
      // A pod that does not answer anyway must not hold up a node's maintenance.
      unhealthyPodEvictionPolicy: 'AlwaysAllow',
    },
  };
}
