import {FRAISEQLAUTH} from '../../api/v1alpha1/group-version.ts';
import type {FraiseQLAuth} from '../../api/v1alpha1/fraiseqlauth.ts';
import {AS_APPLIED} from '../../kube/apply.ts';
import {controllerOf, keyOf, parseKey, RESOURCES, type KubeObject} from '../../kube/objects.ts';
import type {Change} from '../../kube/mirror.ts';
import type {Reflector, ReflectorPort} from '../../kube/reflector.ts';
import type {Store} from '../../kube/store.ts';
import type {Priority} from '../../kube/priority.ts';
import type {Clock} from '../../support/clock.ts';
import type {Logger} from '../../support/logging.ts';
import type {ReplicaSet, Pod} from '../workloads.ts';
import type {Overlay} from './overlay.ts';
import {BY_INSTANCE, CHILD_TYPES, instanceKey, Scope, type Stored} from './scope.ts';
import {settled} from './slim.ts';

export interface CachesOptions {
  /** Empty: all namespaces. */
  readonly namespaces: readonly string[];
  readonly overlay: Overlay;
  readonly clock: Clock;
  readonly random?: (() => number) | undefined;
  readonly logger: Logger;
  /** Told which resource has to be looked at again. */
  readonly onKey: (key: string, priority: Priority) => void;
  /** Told when the API server refuses to show what is in a namespace (or in `all`), and when it does no longer. */
  readonly onBlocked?: (namespace: string, blocked: boolean) => void;
}

/** All that is watched, as stores, by namespace. */
export class Caches {
  readonly #options: CachesOptions;
  readonly #scopes = new Map<string | undefined, Scope>();

  constructor(client: ReflectorPort, options: CachesOptions) {
    this.#options = options;
    const {namespaces, clock, random, logger, onBlocked} = options;
    for (const namespace of namespaces.length === 0 ? [undefined] : namespaces) {
      const scope: Scope = new Scope(client, {
        namespace,
        clock,
        random,
        logger,
        onResource: (change) => this.#resourceChanged(scope, change),
        onChild: (change) => this.#childChanged(scope, change),
        onOpen: () => {
          for (const key of scope.resources.store.keys()) options.onKey(key, 'low');
        },
        onBlocked: (reason) => {
          const where = {namespace: namespace ?? 'all'};
          if (reason === undefined) logger.info(where, 'the operator may watch here again');
          else
            logger.warn({...where, reason}, 'the operator may not watch here: nothing is done until it may');
          onBlocked?.(where.namespace, reason !== undefined);
        },
      });
      this.#scopes.set(namespace, scope);
    }
  }

  start(): void {
    for (const each of this.#scopes.values()) each.start();
  }

  /** Whether all that matters for a namespace has been seen, and may be. Nothing is done in it before. */
  isOpen(namespace: string): boolean {
    return this.#scope(namespace)?.isOpen() === true;
  }

  /** Whether every store holds everything that it may, and not all of them nothing. */
  hasSynced(): boolean {
    const scopes = [...this.#scopes.values()];
    return scopes.some((each) => each.isOpen()) && scopes.every((each) => each.isOpen() || each.isBlocked());
  }

  /**
   * How long the quietest of the watches has been silent, in milliseconds. Where nothing was ever heard of a namespace,
   * and others are heard, a new process would hear no more of it.
   */
  silentMs(): number {
    const scopes = [...this.#scopes.values()];
    const heard = scopes.filter((each) => each.wasHeard());
    return Math.max(...(heard.length > 0 ? heard : scopes).map((each) => each.silentMs()));
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#scopes.values()].map((each) => each.stop()));
  }

  /** The resource of that key, with our own last write in it. */
  resource(key: string): FraiseQLAuth | undefined {
    const stored = this.#scope(parseKey(key).namespace)?.resources.store.get(key);
    return this.#options.overlay.see<Stored>(FRAISEQLAUTH.kind, key, stored);
  }

  /** The resources in namespaces in which something is done. */
  resources(): FraiseQLAuth[] {
    return [...this.#scopes.values()]
      .filter((each) => each.isOpen())
      .flatMap((each) => each.resources.store.list());
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
      for (const stored of this.#indexed(type.kind, {namespace, name})) {
        take(overlay.see(type.kind, keyOf(stored), stored));
      }
    }
    for (const object of overlay.writtenFor(`${namespace}/${name}`, instanceKey)) {
      const id = `${object.kind}/${object.metadata.name}`;
      if (!found.has(id))
        take(overlay.see(object.kind, keyOf(object), this.#store(object)?.get(keyOf(object))));
    }
    return found;
  }

  /** A child was compared, and is as it should be: the store keeps no more of it than is read of such. */
  settle(child: KubeObject, desiredHash: string): void {
    const less = child[AS_APPLIED] === desiredHash ? undefined : settled(child, desiredHash);
    if (less === undefined) return;
    const store = this.#store(child);
    if (store?.get(keyOf(child)) === child) store.set(less);
  }

  /** Whether all of the object's kind was listed after that time; if not, it will be. See `Overlay`. */
  listedSince(object: KubeObject, time: number): boolean {
    const reflector = this.#reflector(object);
    if (reflector === undefined || reflector.listedSince(time)) return true;
    reflector.doubt();
    return false;
  }

  /** Something that we wrote was never seen: whose it is has to be looked at. */
  lapsed(object: KubeObject): void {
    const key = object.kind === FRAISEQLAUTH.kind ? keyOf(object) : instanceKey(object);
    if (key !== undefined) this.#options.onKey(key, 'normal');
  }

  podsOf({metadata}: FraiseQLAuth): Pod[] {
    return this.#indexed(RESOURCES.Pod.kind, metadata);
  }

  replicaSetsOf({metadata}: FraiseQLAuth): ReplicaSet[] {
    return this.#indexed(RESOURCES.ReplicaSet.kind, metadata);
  }

  #scope(namespace: string | undefined): Scope | undefined {
    return this.#scopes.get(undefined) ?? this.#scopes.get(namespace);
  }

  #reflector({kind, metadata}: KubeObject): Reflector<KubeObject> | Reflector<Stored> | undefined {
    const scope = this.#scope(metadata.namespace);
    return kind === FRAISEQLAUTH.kind ? scope?.resources : scope?.children.get(kind);
  }

  #store({kind, metadata}: KubeObject): Store<KubeObject> | undefined {
    return this.#scope(metadata.namespace)?.children.get(kind)?.store;
  }

  #indexed(kind: string, owner: {namespace: string; name: string}): KubeObject[] {
    const {store} = this.#scope(owner.namespace)?.children.get(kind) ?? {};
    return store?.byIndex(BY_INSTANCE, keyOf(owner)) ?? [];
  }

  #resourceChanged(scope: Scope, {type, object}: Change<Stored>): void {
    const {overlay, onKey} = this.#options;
    const tell = (): void => {
      // When a namespace opens each of its resources is queued by itself.
      if (scope.isOpen()) onKey(keyOf(object), urgency(object));
    };
    if (type !== 'deleted') {
      overlay.shown(object, tell);
      return;
    }
    overlay.gone(object);
    tell();
  }

  #childChanged(scope: Scope, {type, object, previous}: Change<KubeObject>): void {
    const {overlay, onKey} = this.#options;
    const tell = (): void => {
      if (!scope.isOpen()) return;
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

/** A Job of the CronJob belongs to the resource as well, though the CronJob controls it. */
function belongs(object: KubeObject, uid: string): boolean {
  const owner = controllerOf(object);
  if (owner?.uid === uid) return true;
  return object.kind === 'Job' && owner?.kind === 'CronJob';
}
