import {API_VERSION, KIND} from '../../api/v1alpha1/group-version.ts';
import type {ObjectMeta} from '../../kube/objects.ts';
import type {Instance} from './instance.ts';
import {labelValue} from './names.ts';

/** Who applies the children, and the value of their managed-by label. */
export const MANAGER = 'fraiseql-auth-operator';
/** The prefix of annotations that the operator keeps for itself. */
export const ANNOTATION = 'auth.fraiseql.dev';

/** What a child is for. */
export type Component = 'server' | 'check' | 'migration' | 'backup';

export const VERSION_LABEL = 'app.kubernetes.io/version';

/** The labels by which the pods of a component are selected. They never change. */
export function selectorLabels({name}: {name: string}, component: Component): Record<string, string> {
  return {
    'app.kubernetes.io/name': 'fraiseql-auth',
    'app.kubernetes.io/instance': name,
    'app.kubernetes.io/component': component,
  };
}

/** The recommended labels; the version only on what rolls with it. */
export function labels(
  instance: {name: string},
  component: Component,
  version?: string,
): Record<string, string> {
  return {
    ...selectorLabels(instance, component),
    'app.kubernetes.io/part-of': 'fraiseql-auth',
    'app.kubernetes.io/managed-by': MANAGER,
    ...(version !== undefined && labelValue(version) !== '' && {[VERSION_LABEL]: labelValue(version)}),
  };
}

/** The label selector as text, as the scale subresource and list calls want it. */
export function selectorText(instance: {name: string}, component: Component): string {
  return Object.entries(selectorLabels(instance, component))
    .map(([key, value]) => `${key}=${value}`)
    .join(',');
}

/** The metadata of a child: its name, the labels, and the owner with whom it goes. */
export function childMeta(
  instance: Instance,
  name: string,
  component: Component,
  more: {version?: string; annotations?: Readonly<Record<string, string>>} = {},
): ObjectMeta {
  return {
    name,
    namespace: instance.namespace,
    labels: labels(instance, component, more.version),
    ...(more.annotations && {annotations: {...more.annotations}}),
    ownerReferences: [
      {
        apiVersion: API_VERSION,
        kind: KIND,
        name: instance.name,
        uid: instance.uid,
        controller: true,
        blockOwnerDeletion: true,
      },
    ],
  };
}
