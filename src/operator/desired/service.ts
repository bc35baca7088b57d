import type {KubeObject} from '../../kube/objects.ts';
import {childMeta, selectorLabels} from './children.ts';
import type {Instance} from './instance.ts';
import {names} from './names.ts';

/** Where the pods are reached: port 80, as the guide has it. */
export function service(instance: Instance): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: childMeta(instance, names(instance).server, 'server'),
    spec: {
      type: 'ClusterIP',
      selector: selectorLabels(instance, 'server'),
      ports: [{name: 'http', port: 80, targetPort: 'http', protocol: 'TCP'}],
    },
  };
}
