import {applyChild, type ApplyOutcome, type ChildApply} from '../../../src/kube/apply.ts';
import type {KubeClient} from '../../../src/kube/client.ts';
import {
  RESOURCES,
  type KubeObject,
  type OwnerReference,
  type ResourceType,
} from '../../../src/kube/objects.ts';
import type {ApiServer} from '../../support/apiserver.ts';
import {createNamespace} from '../../support/fraiseqlauths.ts';
import {sharedApiServer} from '../../support/shared-apiserver.ts';
import {counting} from './counting.ts';

export const manager = 'test-operator';
export const labels = {'app.kubernetes.io/managed-by': manager, 'app.kubernetes.io/instance': 'x'};

/** A namespace in which children are applied for an owner. */
export class Applying {
  readonly api: ApiServer;
  readonly namespace: string;
  readonly owner: OwnerReference;

  private constructor(api: ApiServer, namespace: string, owner: OwnerReference) {
    this.api = api;
    this.namespace = namespace;
    this.owner = owner;
  }

  static async start(namespace: string): Promise<Applying> {
    const api = await sharedApiServer();
    await createNamespace(api.admin, namespace);
    const {metadata} = await api.admin.create<KubeObject>(RESOURCES.ConfigMap, {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: {name: 'parent', namespace},
    });
    return new Applying(api, namespace, {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      name: 'parent',
      uid: metadata.uid ?? '',
      controller: true,
      blockOwnerDeletion: true,
    });
  }

  get admin(): KubeClient {
    return this.api.admin;
  }

  /** What was written here; others write elsewhere. */
  async writes() {
    return (await this.api.writes()).filter(({objectRef}) => objectRef?.namespace === this.namespace);
  }

  read<T extends KubeObject>(object: T): Promise<T | undefined> {
    return this.admin.get<T>(typeOf(object), object.metadata);
  }

  /** Applies with what is there now, through a client that remembers nothing, as after a restart. */
  async now<T extends KubeObject>(
    desired: T,
    more: Partial<ChildApply<T>> = {},
  ): Promise<{outcome: ApplyOutcome; calls: string[]}> {
    const {port, calls} = counting(this.admin);
    const live = await this.read(desired);
    const outcome = await applyChild(port, {desired, live, fieldManager: manager, ...more});
    return {outcome, calls};
  }
}

function typeOf(object: KubeObject): ResourceType {
  const type = Object.values(RESOURCES).find(
    (one) => one.kind === object.kind && one.apiVersion === object.apiVersion,
  );
  if (type === undefined) throw new Error(object.kind);
  return type;
}
