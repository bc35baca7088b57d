import {setTimeout as delay} from 'node:timers/promises';
import {FRAISEQLAUTH} from '../../../src/api/v1alpha1/group-version.ts';
import type {KubeClient} from '../../../src/kube/client.ts';
import {keyOf, RESOURCES, type KubeObject, type ObjectKey} from '../../../src/kube/objects.ts';
import {Watcher} from './watcher.ts';
import {OURS} from './world.ts';

interface Autoscaler extends KubeObject {
  spec?: {maxReplicas?: number};
}

/** Milliseconds from the call that changes something to the watch event that shows the operator's answer. */
export interface Latencies {
  /** A spec is changed, until its child is. */
  readonly change: number[];
  /** A child is deleted, until it is back. */
  readonly restore: number[];
}

/** Changes and deletes, one thing at a time, and measures how long the operator takes to follow. */
export class LatencyMeter {
  readonly #client: KubeClient;
  readonly #autoscalers: Watcher<Autoscaler>;
  readonly #services: Watcher<KubeObject>;
  /** What each resource has by all meters: a change is to a number that it does not have. */
  static readonly #most = new Map<string, number>();

  /** It sees the children of these instances alone; of all, where none are given. What it watches weighs as well. */
  constructor(client: KubeClient, instances: readonly string[] = []) {
    const ofThose = instances.length === 0 ? '' : `,app.kubernetes.io/instance in (${instances.join(',')})`;
    this.#client = client;
    this.#autoscalers = new Watcher(client, RESOURCES.HorizontalPodAutoscaler, `${OURS}${ofThose}`);
    this.#services = new Watcher(client, RESOURCES.Service, `${OURS}${ofThose}`);
  }

  async start(): Promise<void> {
    await Promise.all([this.#autoscalers.start(), this.#services.start()]);
  }

  /** One of each after the other, over these resources in turn, until there are so many or the signal aborts. */
  async measure(
    keys: readonly Required<ObjectKey>[],
    samples: number,
    pauseMs: number,
    signal?: AbortSignal,
  ): Promise<Latencies> {
    const found: Latencies = {change: [], restore: []};
    for (let index = 0; index < samples; index++) {
      if (signal?.aborted === true) break;
      const key = keys[index % keys.length];
      if (key === undefined) throw new TypeError('no resources to measure');
      found.change.push(await this.#change(key));
      await delay(pauseMs);
      found.restore.push(await this.#restore(key));
      await delay(pauseMs);
    }
    return found;
  }

  async stop(): Promise<void> {
    await Promise.all([this.#autoscalers.stop(), this.#services.stop()]);
  }

  async #change(key: Required<ObjectKey>): Promise<number> {
    const before = LatencyMeter.#most.get(keyOf(key)) ?? 3;
    const maxReplicas = before === 9 ? 4 : before + 1;
    LatencyMeter.#most.set(keyOf(key), maxReplicas);
    const seen = this.#autoscalers.next(
      `the autoscaler of ${key.name}`,
      ({object}) => is(object, key) && object.spec?.maxReplicas === maxReplicas,
    );
    const started = performance.now();
    await this.#client.mergePatch(FRAISEQLAUTH, key, {spec: {autoscaling: {maxReplicas}}});
    return (await seen) - started;
  }

  async #restore(key: Required<ObjectKey>): Promise<number> {
    const seen = this.#services.next(
      `the Service of ${key.name}`,
      ({type, object}) => type === 'added' && is(object, key),
    );
    const started = performance.now();
    await this.#client.delete(RESOURCES.Service, key);
    return (await seen) - started;
  }
}

function is({metadata}: KubeObject, key: Required<ObjectKey>): boolean {
  return metadata.name === key.name && metadata.namespace === key.namespace;
}

/** The value below which that share of all lies (nearest rank). */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? Number.NaN;
}
