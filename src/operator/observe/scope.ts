import {FRAISEQLAUTH} from '../../api/v1alpha1/group-version.ts';
import type {FraiseQLAuth} from '../../api/v1alpha1/fraiseqlauth.ts';
import {RESOURCES, type KubeObject, type ResourceType} from '../../kube/objects.ts';
import type {Change} from '../../kube/mirror.ts';
import {Reflector, type ReflectorPort} from '../../kube/reflector.ts';
import type {Clock} from '../../support/clock.ts';
import type {Logger} from '../../support/logging.ts';
import {MANAGER} from '../desired/children.ts';
import {slim, slimResource} from './slim.ts';

const OURS = `app.kubernetes.io/managed-by=${MANAGER}`;
const INSTANCE = 'app.kubernetes.io/instance';
export const BY_INSTANCE = 'instance';

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
export type Stored = FraiseQLAuth & KubeObject;

export interface ScopeOptions {
  /** Undefined: all namespaces. */
  readonly namespace: string | undefined;
  readonly clock: Clock;
  readonly random: (() => number) | undefined;
  readonly logger: Logger;
  readonly onResource: (change: Change<Stored>) => void;
  readonly onChild: (change: Change<KubeObject>) => void;
  /** Everything has been seen, or may be seen again: what there is has to be looked at. */
  readonly onOpen: () => void;
  /** The operator may not see all of it, and why; undefined: it may again. */
  readonly onBlocked: (reason: string | undefined) => void;
}

/**
 * What is watched in one namespace, or in all of them at once: the resources, and what carries our label. One scope
 * waits for no other.
 */
export class Scope {
  readonly namespace: string | undefined;
  readonly resources: Reflector<Stored>;
  readonly children = new Map<string, Reflector<KubeObject>>();
  readonly #all: readonly (Reflector<Stored> | Reflector<KubeObject>)[];
  readonly #onOpen: () => void;
  readonly #onBlocked: (reason: string | undefined) => void;
  #blocked = false;

  constructor(client: ReflectorPort, options: ScopeOptions) {
    const {namespace, clock, random, logger} = options;
    this.namespace = namespace;
    this.#onOpen = options.onOpen;
    this.#onBlocked = options.onBlocked;
    const common = {
      namespace,
      clock,
      random,
      logger,
      onBlocked: (reason: string | undefined) => this.#turned(reason),
    };
    this.resources = new Reflector<Stored>(client, FRAISEQLAUTH, {...common, transform: slimResource});
    this.resources.onChange(options.onResource);
    for (const type of [...CHILD_TYPES, ...WORKING_TYPES]) {
      const reflector = new Reflector<KubeObject>(client, type, {
        ...common,
        labelSelector: OURS,
        fromCache: true,
        transform: slim,
      });
      reflector.store.addIndex(BY_INSTANCE, instanceKey);
      reflector.onChange(options.onChild);
      this.children.set(type.kind, reflector);
    }
    this.#all = [this.resources, ...this.children.values()];
  }

  start(): void {
    for (const each of this.#all) {
      each.start();
      each.synced().then(
        () => this.#mayHaveOpened(),
        () => undefined,
      );
    }
  }

  async stop(): Promise<void> {
    await Promise.all(this.#all.map((each) => each.stop()));
  }

  /** Whether all of it has been seen once, and may still be: what is not seen is never taken for absent. */
  isOpen(): boolean {
    return !this.#blocked && this.#all.every((each) => each.hasSynced());
  }

  isBlocked(): boolean {
    return this.#blocked;
  }

  /** Whether the server ever gave a sign of life of each watch. */
  wasHeard(): boolean {
    return this.#all.every((each) => each.pulse.wasHeard());
  }

  /** How long the quietest of the watches has been silent, in milliseconds. */
  silentMs(): number {
    return Math.max(...this.#all.map((each) => each.lastActivityMs()));
  }

  #turned(reason: string | undefined): void {
    const blocked = this.#all.some((each) => each.pulse.isBlocked());
    if (blocked === this.#blocked) return;
    this.#blocked = blocked;
    this.#onBlocked(blocked ? reason : undefined);
    this.#mayHaveOpened();
  }

  #mayHaveOpened(): void {
    if (this.isOpen()) this.#onOpen();
  }
}

/** The key of the resource that an object belongs to, by its label. */
export function instanceKey({metadata}: KubeObject): string | undefined {
  const instance = metadata.labels?.[INSTANCE];
  return instance === undefined ? undefined : `${metadata.namespace ?? ''}/${instance}`;
}
