import type {KubeObject} from '../../kube/objects.ts';
import {childMeta, selectorLabels} from './children.ts';
import {PORT_NAMES} from './deployment.ts';
import type {Instance} from './instance.ts';
import {names} from './names.ts';

/** How pods of the server are spoken to. */
export type Scheme = keyof typeof PORT_NAMES;

const PORTS: Record<Scheme, object> = {
  http: {name: 'http', port: 80, targetPort: PORT_NAMES.http, protocol: 'TCP'},
  https: {name: 'https', port: 443, targetPort: PORT_NAMES.https, protocol: 'TCP', appProtocol: 'https'},
};

/**
 * Where the pods are reached: port 80, as the guide has it, or 443 where they speak https. While some run that speak the
 * other (`running`) it has both ports, each of which leads to its own pods: a change from one to the other, or one that
 * is refused, takes nobody's way away.
 */
export function service(instance: Instance, running: ReadonlySet<Scheme> = new Set()): KubeObject {
  const own: Scheme = instance.spec.certificateSecret === undefined ? 'http' : 'https';
  const other: Scheme = own === 'http' ? 'https' : 'http';
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: childMeta(instance, names(instance).server, 'server'),
    spec: {
      type: 'ClusterIP',
      selector: selectorLabels(instance, 'server'),
      ports: [PORTS[own], ...(running.has(other) ? [PORTS[other]] : [])],
    },
  };
}
