import {checkedSpec} from '../../../src/api/v1alpha1/check.ts';
import {FRAISEQLAUTH} from '../../../src/api/v1alpha1/group-version.ts';
import {resolveDefaults} from '../../../src/api/v1alpha1/resolve.ts';
import type {KubeObject} from '../../../src/kube/objects.ts';
import {lowestReplicas} from '../../../src/operator/desired/replicas.ts';
import type {Deployment} from '../../../src/operator/workloads.ts';
import type {Entry} from './api.ts';
import {isUp} from './pods.ts';
import type {World} from './world.ts';

/** A number, and since when. */
interface Since {
  readonly count: number;
  readonly at: number;
}

/**
 * Watches over the pods that serve, at every change of anything: there are never fewer than there were and than are
 * wanted, unless a person took their Deployment away.
 */
export class ServiceWatch {
  /** What should not have happened. */
  readonly broken: string[] = [];
  /** For so long an operator may not know of a spec. */
  lagMs = 10_000;
  readonly #world: Pick<World, 'api' | 'time'>;
  /** How many pods the spec wants, and how many the Deployment was given, by whomever; the last stands first. */
  #wanted: Since[] = [];
  #given: Since[] = [];
  readonly #deployments = new Set<string>();
  /** The Deployment of a ReplicaSet. */
  readonly #sets = new Map<string, string>();
  /** Of pods that serve, their Deployment. */
  readonly #up = new Map<string, string>();

  constructor(world: Pick<World, 'api' | 'time'>) {
    this.#world = world;
    world.api.onEntry((entry) => this.#see(entry));
  }

  /** Pods that serve. */
  get ready(): number {
    return [...this.#up.values()].filter((deployment) => this.#deployments.has(deployment)).length;
  }

  #see({plural, before, after}: Entry): void {
    const uid = (after ?? before)?.metadata.uid ?? '';
    const had = this.ready;
    switch (plural) {
      case FRAISEQLAUTH.plural:
        return this.#want(after);
      case 'replicasets':
        return void this.#sets.set(uid, ownerOf(after ?? before));
      case 'deployments':
        if (after === undefined) this.#deployments.delete(uid);
        else this.#deployments.add(uid);
        this.#note(this.#given, replicasOf(after));
        // A person may do so, and what was theirs goes with it.
        if (!this.#by.startsWith('operator-')) return;
        break;
      case 'pods':
        if (after !== undefined && isUp(after)) this.#up.set(uid, this.#sets.get(ownerOf(after)) ?? '');
        else this.#up.delete(uid);
        break;
      default:
        return;
    }
    const {ready} = this;
    this.#wanted = this.#recent(this.#wanted);
    this.#given = this.#recent(this.#given);
    // An autoscaler may not have come to it yet; and what an operator has just taken back was given.
    const least = Math.min(had, ...counts(this.#wanted), Math.max(...counts(this.#given)));
    if (ready < least)
      this.broken.push(`at ${this.#world.time.now} ms ${this.#by} left ${ready} of ${least} pods that serve`);
  }

  get #by(): string {
    return this.#world.api.writes.at(-1)?.by ?? '';
  }

  /** What is not valid wants nothing: what was wanted before stands. */
  #want(resource: KubeObject | undefined): void {
    const {spec} = resource === undefined ? {} : checkedSpec(resource);
    if (resource !== undefined && spec === undefined) return;
    const resolved = spec && resolveDefaults(spec);
    const count =
      resolved === undefined || resolved.runState === 'Hibernated' ? 0 : lowestReplicas(resolved.scaling);
    this.#note(this.#wanted, count);
  }

  #note(all: Since[], count: number): void {
    if (all[0]?.count !== count) all.unshift({count, at: this.#world.time.now});
  }

  /** What was so within the time in which an operator may not know better. */
  #recent(all: Since[]): Since[] {
    const since = this.#world.time.now - this.lagMs;
    const known = all.findIndex(({at}) => at <= since);
    return known < 0 ? all : all.slice(0, known + 1);
  }
}

function replicasOf(deployment: Deployment | undefined): number {
  return deployment?.spec?.replicas ?? 0;
}

const counts = (all: readonly Since[]): number[] => all.map(({count}) => count);

function ownerOf(object: KubeObject | undefined): string {
  return object?.metadata.ownerReferences?.[0]?.uid ?? '';
}
