import {FRAISEQLAUTH} from '../../api/v1alpha1/groupVersion.ts';
import type {FraiseQLAuth} from '../../api/v1alpha1/fraiseqlauth.ts';
import {AS_APPLIED} from '../../kube/apply.ts';
import {controllerOf, keyOf, RESOURCES, type KubeObject, type ResourceType} from '../../kube/objects.ts';
import type {Priority} from '../../kube/workqueue.ts';
import {Reflector, type Change, type ReflectorPort} from '../../kube/reflector.ts';
import type {Clock} from '../../support/clock.ts';
import type {Logger} from '../../support/logging.ts';
import {MANAGER} from '../desired/children.ts';
import type {ReplicaSet, Pod} from '../workloads.ts';
import type {Overlay} from './overlay.ts';
import {settled, slim, slimResource} from './slim.ts';

const OURS = `app.kubernetes.io/managed-by=${MANAGER}`;
const INSTANCE = 'app.kubernetes.io/instance';
const BY_INSTANCE = 'instance';

/** Everything that is made for a resource. */
export const CHILD_TYPES: readonly ResourceType[] = [
  RESOURCES.Secret,
  RESOURCES.ServiceAccount,
  RESOURCES.ConfigMap,
  RESOURCES.Job,
  RESOURCES.Deployment,
  RESOURCES.Service,
  RESOURCES.PodDisruptionBudget,
  RESOURCES.HorizontalPodAutoscaler,
  RESOURCES.CronJob,
];
/** What the cluster makes of it: it is only looked at. */
const WORKING_TYPES: readonly ResourceType[] = [RESOURCES.ReplicaSet, RESOURCES.Pod];

/** A resource in its store, and the way its objects are typed there. */
type Stored = FraiseQLAuth & KubeObject;

export interface CachesOptions {
  /** Empty: all namespaces. */
  readonly namespaces: readonly string[];
  readonly overlay: Overlay;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Told which resource has to be looked at again. */
  readonly onKey: (key: string, priority: Priority) => void;
}

/** All that is watched, as stores: the resources, and what carries our label. */
export class Caches {
  readonly #options: CachesOptions;
  readonly #resources: Reflector<Stored>[];
  readonly #children = new Map<string, Reflector<KubeObject>[]>();

  constructor(client: ReflectorPort, options: CachesOptions) {
    this.#options = options;
    const {clock, logger} = options;
    const scopes = options.namespaces.length === 0 ? [undefined] : options.namespaces;
    this.#resources = scopes.map((namespace) => {
      const reflector = new Reflector<Stored>(client, FRAISEQLAUTH, {
        namespace,
        transform: slimResource,
        clock,
        logger,
      });
      reflector.onChange((change) => this.#resourceChanged(reflector, change));
      return reflector;
    });
    for (const type of [...CHILD_TYPES, ...WORKING_TYPES]) {
      const reflectors = scopes.map((namespace) => {
        const reflector = new Reflector<KubeObject>(client, type, {
          namespace,
          labelSelector: OURS,
          fromCache: true,
          transform: slim,
          clock,
          logger,
        });
        reflector.store.addIndex(BY_INSTANCE, instanceKey);
        reflector.onChange((change) => this.#childChanged(reflector, change));
        return reflector;
      });
      this.#children.set(type.kind, reflectors);
    }
  }

  start(): void {
    for (const each of this.#all()) each.start();
  }

  /** Resolves when every store holds everything. */
  async synced(): Promise<void> {
    await Promise.all(this.#all().map((each) => each.synced()));
  }

  hasSynced(): boolean {
    return this.#all().every((each) => each.hasSynced());
  }

  /** How long the quietest of the watches has been silent, in milliseconds. */
  silentMs(): number {
    return Math.max(...this.#all().map((each) => each.lastActivityMs()));
  }

  async stop(): Promise<void> {
    await Promise.all(this.#all().map((each) => each.stop()));
  }

  /** The resource of that key, with our own last write in it. */
  resource(key: string): FraiseQLAuth | undefined {
    const stored = this.#resources.map((each) => each.store.get(key)).find((each) => each !== undefined);
    return this.#options.overlay.see<Stored>(FRAISEQLAUTH.kind, key, stored);
  }

  resources(): FraiseQLAuth[] {
    return this.#resources.flatMap((each) => each.store.list());
  }

  /** Everything that belongs to a resource, by `Kind/name`. A namesake that was deleted before owns none of it. */
  childrenOf(resource: FraiseQLAuth): Map<string, KubeObject> {
    const {name, namespace, uid} = resource.metadata;
    const {overlay} = this.#options;
    const found = new Map<string, KubeObject>();
    const take = (object: KubeObject | undefined): void => {
      if (object !== undefined && belongs(object, uid))
        found.set(`${object.kind}/${object.metadata.name}`, object);
    };
    for (const type of CHILD_TYPES) {
      for (const stored of this.#indexed(type.kind, `${namespace}/${name}`)) {
        take(overlay.see(type.kind, keyOf(stored), stored));
      }
    }
    for (const object of overlay.writtenFor(`${namespace}/${name}`, instanceKey)) {
      const id = `${object.kind}/${object.metadata.name}`;
      if (!found.has(id))
        take(overlay.see(object.kind, keyOf(object), this.#stored(object.kind, keyOf(object))));
    }
    return found;
  }

  /** A child was compared, and is as it should be: the store keeps no more of it than is read of such. */
  settle(child: KubeObject, desiredHash: string): void {
    const less = child[AS_APPLIED] === desiredHash ? undefined : settled(child, desiredHash);
    if (less === undefined) return;
    for (const {store} of this.#children.get(child.kind) ?? []) {
      if (store.get(keyOf(child)) === child) store.set(less);
    }
  }

  podsOf({metadata}: FraiseQLAuth): Pod[] {
    return this.#indexed(RESOURCES.Pod.kind, keyOf(metadata));
  }

  replicaSetsOf({metadata}: FraiseQLAuth): ReplicaSet[] {
    return this.#indexed(RESOURCES.ReplicaSet.kind, keyOf(metadata));
  }

  #indexed(kind: string, key: string): KubeObject[] {
    return (this.#children.get(kind) ?? []).flatMap((each) => each.store.byIndex(BY_INSTANCE, key));
  }

  #stored(kind: string, key: string): KubeObject | undefined {
    return (this.#children.get(kind) ?? [])
      .map((each) => each.store.get(key))
      .find((each) => each !== undefined);
  }

  #all(): (Reflector<Stored> | Reflector<KubeObject>)[] {
    return [...this.#resources, ...[...this.#children.values()].flat()];
  }

  #resourceChanged(reflector: Reflector<Stored>, {type, object}: Change<Stored>): void {
    const {overlay, onKey} = this.#options;
    const tell = (): void => onKey(keyOf(object), reflector.hasSynced() ? urgency(object) : 'low');
    if (type !== 'deleted') {
      overlay.shown(object, tell);
      return;
    }
    overlay.gone(object);
    tell();
  }

  #childChanged(reflector: Reflector<KubeObject>, {type, object, previous}: Change<KubeObject>): void {
    const {overlay, onKey} = this.#options;
    const tell = (): void => {
      // While the stores are being filled each resource is queued by itself.
      if (!reflector.hasSynced()) return;
      const key = instanceKey(object);
      if (key !== undefined) onKey(key, urgency(this.resource(key)));
      const before = previous === undefined ? undefined : instanceKey(previous);
      if (before !== undefined && before !== key) onKey(before, 'normal');
    };
    if (type !== 'deleted') {
      overlay.shown(object, tell);
      return;
    }
    overlay.gone(object);
    tell();
  }
}

/** What has never been ready lets those pass that are, or were: a crowd of new ones does not slow what is in use. */
function urgency(resource: FraiseQLAuth | undefined): Priority {
  return resource !== undefined && resource.status?.version?.current === undefined ? 'low' : 'normal';
}

function instanceKey({metadata}: KubeObject): string | undefined {
  const instance = metadata.labels?.[INSTANCE];
  return instance === undefined ? undefined : `${metadata.namespace ?? ''}/${instance}`;
}

/** A Job of the CronJob belongs to the resource as well, though the CronJob controls it. */
function belongs(object: KubeObject, uid: string): boolean {
  const owner = controllerOf(object);
  if (owner?.uid === uid) return true;
  return object.kind === 'Job' && owner?.kind === 'CronJob';
}
