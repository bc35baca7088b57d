import type {KubeObject} from '../../kube/objects.ts';
import {type Component, childMeta} from './children.ts';
import type {Instance} from './instance.ts';
import {names} from './names.ts';

/** Whom the server and the migration run as: nobody in the cluster's eyes, no token is mounted. */
export function serviceAccount(instance: Instance): KubeObject {
  return account(instance, names(instance).server, 'server');
}

/** Whom backups run as, apart from the server: a bucket's rights can be bound to it. Undefined without backups. */
export function backupServiceAccount(instance: Instance): KubeObject | undefined {
  return instance.spec.backup && account(instance, names(instance).backup, 'backup');
}

function account(instance: Instance, name: string, component: Component): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    metadata: childMeta(instance, name, component),
    automountServiceAccountToken: false,
  };
}
