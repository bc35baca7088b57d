import type {KubeObject} from '../../kube/objects.ts';
import {childMeta, labels} from './children.ts';
import type {ServerTemplate} from './deployment.ts';
import type {Instance} from './instance.ts';
import {names} from './names.ts';
import {PATHS} from './paths.ts';
import {podLabels} from './pod.ts';

/** What only a pod that serves has. */
const SERVING = new Set(['name', 'args', 'ports', 'startupProbe', 'livenessProbe', 'readinessProbe']);

/**
 * A Job that tries a template out before it may replace a pod: a pod like those of the server, with the same image,
 * environment, files and place, which says at its end whether it would serve. `hash` is the template's, so that another
 * template is another Job.
 */
export function checkJob(instance: Instance, template: ServerTemplate, hash: string): KubeObject {
  const {spec} = instance;
  const {topologySpreadConstraints: _, terminationGracePeriodSeconds: __, containers, ...pod} = template.spec;
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: childMeta(instance, names(instance).check(hash), 'check'),
    spec: {
      backoffLimit: 0,
      activeDeadlineSeconds: spec.rollout.progressDeadlineSeconds,
      template: {
        metadata: {
          // Not the server's labels: nobody must be sent to it.
          labels: {...podLabels(spec), ...labels(instance, 'check')},
          annotations: template.metadata.annotations,
        },
        spec: {
          ...pod,
          restartPolicy: 'Never',
          containers: containers.map((container) => ({
            name: 'check',
            args: ['check'],
            ...Object.fromEntries(Object.entries(container).filter(([field]) => !SERVING.has(field))),
            env: [...container.env, {name: 'TERMINATION_LOG', value: PATHS.termination}],
          })),
        },
      },
    },
  };
}
