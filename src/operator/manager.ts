import {SCHEMA_VERSION} from '../database/version.ts';
import type {KubeClient} from '../kube/client.ts';
import {EventRecorder} from '../kube/events.ts';
import {keyOf, parseKey} from '../kube/objects.ts';
import type {Priority} from '../kube/priority.ts';
import {WorkQueue, type HandlerResult} from '../kube/workqueue.ts';
import type {Clock} from '../support/clock.ts';
import type {Logger} from '../support/logging.ts';
import {VERSION} from '../support/version.ts';
import {fenced, fencedEvents} from './fence.ts';
import type {OperatorMetrics} from './metrics.ts';
import type {Breathe, Cluster} from './reconcile/act.ts';
import {Planner} from './plan/planner.ts';
import {Caches} from './observe/caches.ts';
import {ClaimReader} from './observe/claim-reader.ts';
import {mintSigningKey, type KeyMint} from './reconcile/mint.ts';
import {KeyWatch, type KeyAsker} from './observe/key-watch.ts';
import {LogReader} from './observe/log-reader.ts';
import {Observer} from './observe/observer.ts';
import {Overlay} from './observe/overlay.ts';
import {Prober, type PodAnswer} from './observe/prober.ts';
import {Reconciler} from './reconcile/reconciler.ts';
import {SecretReader} from './observe/secret-reader.ts';
import {isReady} from './status/ready.ts';
import {targetOf, type Target} from './observe/target.ts';
import {isOfServer, type Pod} from './workloads.ts';

export interface ManagerOptions {
  readonly client: KubeClient;
  readonly image: string;
  /** The cluster assigns user and group of pods. */
  readonly assignedIds?: boolean;
  /** Empty: all namespaces. */
  readonly namespaces: readonly string[];
  readonly identity: string;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: OperatorMetrics;
  /** Where what is left to chance comes from, so that a test can repeat it; by default `Math.random`. */
  readonly random?: () => number;
  readonly ask: (target: Target) => Promise<PodAnswer>;
  /** Left out: nobody can be asked for keys, and none moves on. */
  readonly askForKeys?: KeyAsker;
  /** Left out: new signing keys are made on a thread of their own. */
  readonly mintKey?: KeyMint;
  /**
   * Awaited before each pass, and each of its steps, so that many of them do not keep the event loop to themselves; true
   * for what is not one of a crowd.
   */
  readonly breathe?: (urgent: boolean) => Promise<void> | undefined;
  /** What stands between the reconciler and the client: tests stop writes here. */
  readonly wrap?: (cluster: Cluster) => Cluster;
  readonly schemaVersion?: string;
}

/** Passes at once: enough to keep an API server busy, and few enough that a turn of the event loop stays short. */
const CONCURRENCY = 16;
/** Of these, so many are for what has been ready once. */
const RESERVED = 2;
/** At the end events are written for so long: whoever comes next looks at the lease once a second, and leads within 2. */
const FLUSH_MS = 250;
const COMPONENT = 'fraiseql-auth-operator';
/** Whom one asks for keys where nobody can be asked. */
const NOBODY: KeyAsker = {
  pod: () => Promise.resolve(undefined),
  published: () => Promise.resolve(undefined),
};

/** The watches, which run all the time, and the work, which is done only while this process leads. */
export class Manager {
  readonly #options: ManagerOptions;
  readonly #overlay: Overlay;
  readonly #caches: Caches;
  /** While this process works. */
  #secrets: SecretReader | undefined;
  #add: (key: string, priority: Priority) => void = () => undefined;
  #waiting = (): number => 0;

  constructor(options: ManagerOptions) {
    this.#options = options;
    this.#overlay = new Overlay(options.clock, {
      listedSince: (object, time) => this.#caches.listedSince(object, time),
      lapsed: (object) => this.#caches.lapsed(object),
    });
    this.#caches = new Caches(options.client, {
      namespaces: options.namespaces,
      overlay: this.#overlay,
      clock: options.clock,
      random: options.random,
      logger: options.logger,
      onKey: (key, priority) => this.#add(key, priority),
      onBlocked: (namespace, blocked) => options.metrics.blocked(namespace, blocked),
    });
  }

  /** Starts the watches. A process that does not lead yet keeps its stores warm, so that it takes over at once. */
  watch(): void {
    this.#caches.start();
  }

  hasSynced(): boolean {
    return this.#caches.hasSynced();
  }

  /** Whether everything was seen, and nothing of it waits to be looked at. */
  isIdle(): boolean {
    return this.hasSynced() && this.#waiting() === 0;
  }

  /** How long the quietest of the watches has been silent, in milliseconds. */
  silentMs(): number {
    return Math.max(this.#caches.silentMs(), this.#secrets?.silentMs() ?? 0);
  }

  async stop(): Promise<void> {
    await this.#caches.stop();
  }

  /** Does the work until the signal aborts. Nothing is written after that, nor while `mayWrite` says no. */
  async work(signal: AbortSignal, mayWrite: () => boolean = () => true): Promise<void> {
    const {client, clock, random, logger, metrics, image, identity} = this.#options;
    const cluster = fenced(this.#options.wrap?.(client) ?? client, signal, mayWrite);
    const events = new EventRecorder(fencedEvents(client, mayWrite), {
      component: COMPONENT,
      instance: identity,
      clock,
      logger,
      metrics: metrics.kube.events,
    });
    const queue = new WorkQueue({
      clock,
      random,
      concurrency: CONCURRENCY,
      reserved: RESERVED,
      backoff: {baseMs: 100, maxMs: 60_000},
      // A webhook that hangs does so for a namespace; and one team does not slow down another.
      groupOf: (key) => parseKey(key).namespace ?? '',
      metrics: metrics.kube.queue('fraiseqlauth'),
      onError: (key, error, retryInMs) => logger.error({key, err: error, retryInMs}, 'a pass failed'),
    });
    const {observer, prober, keyWatch, secrets} = this.#observing((key) => queue.add(key));
    this.#secrets = secrets;
    const settings = {
      image,
      version: VERSION,
      schemaVersion: this.#options.schemaVersion ?? SCHEMA_VERSION,
      assignedIds: this.#options.assignedIds,
    };
    const reconciler = new Reconciler({
      cluster,
      mintKey: this.#options.mintKey ?? mintSigningKey,
      planner: new Planner({cluster, settings}),
      caches: this.#caches,
      observer,
      events,
      overlay: this.#overlay,
      settings,
      clock,
      logger,
    });
    // Whoever only waits to lead says nothing of them, or they would be counted twice.
    metrics.countResources(() => this.#count());
    this.#add = (key, priority) => queue.add(key, priority);
    this.#waiting = () => queue.depth;
    for (const resource of this.#caches.resources()) queue.add(keyOf(resource.metadata), 'low');
    // Aborts, at once, the signal that handlers are given.
    const stop = (): void => void queue.shutdown();
    signal.addEventListener('abort', stop, {once: true});
    if (signal.aborted) stop();
    try {
      await queue.run((key, handling, priority) => this.#handle(reconciler, key, handling, priority));
    } finally {
      this.#add = () => undefined;
      this.#waiting = () => 0;
      metrics.countResources(undefined);
      signal.removeEventListener('abort', stop);
      prober.stop();
      keyWatch.stop();
      await secrets.stop();
      this.#secrets = undefined;
      // The next one waits for the lease.
      await events.flush(FLUSH_MS);
    }
  }

  /** What is asked and read beside the watches; `onChange` is told whose of it has changed. */
  #observing(onChange: (key: string) => void) {
    const {client, clock, random, logger, ask} = this.#options;
    const prober = new Prober({
      clock,
      random,
      logger,
      ask,
      targets: (key) => this.#targets(key),
      onChange,
    });
    const keyWatch = new KeyWatch({
      clock,
      random,
      logger,
      ask: this.#options.askForKeys ?? NOBODY,
      targetOf: (pod) => this.#targetOf(pod),
      onChange,
    });
    const secrets = new SecretReader(client, {clock, random, logger, onKey: onChange});
    const observer = new Observer({
      caches: this.#caches,
      secrets,
      claims: new ClaimReader(client, clock, logger),
      logs: new LogReader(client, {clock, logger}),
      prober,
      keyWatch,
      clock,
    });
    return {observer, prober, keyWatch, secrets};
  }

  /** One pass over a resource, and what the metrics say of it; undefined where the work ended meanwhile. */
  async #handle(
    reconciler: Reconciler,
    key: string,
    handling: AbortSignal,
    priority: Priority,
  ): Promise<HandlerResult | undefined> {
    const {clock, metrics} = this.#options;
    const breathe: Breathe = () => this.#options.breathe?.(priority === 'normal');
    await breathe();
    if (handling.aborted) return undefined;
    const startedAt = clock.monotonic();
    const seconds = (): number => (clock.monotonic() - startedAt) / 1000;
    try {
      const outcome = await reconciler.reconcile(key, handling, breathe);
      metrics.reconciled(outcome.result, seconds());
      if (this.#caches.resource(key) === undefined) metrics.forget(key);
      else if (outcome.result === 'success') metrics.synced(key, clock.now() / 1000);
      return outcome;
    } catch (error) {
      if (handling.aborted) return undefined;
      metrics.reconciled('error', seconds());
      throw error;
    }
  }

  /** Where the pods of a resource answer. */
  #targets(key: string): Target[] {
    const resource = this.#caches.resource(key);
    if (resource === undefined) return [];
    return this.#caches
      .podsOf(resource)
      .filter(
        (pod) =>
          isOfServer(pod) && pod.metadata.deletionTimestamp === undefined && pod.status?.phase === 'Running',
      )
      .flatMap((pod) => this.#targetOf(pod) ?? []);
  }

  #targetOf(pod: Pod): Target | undefined {
    const {namespace = ''} = pod.metadata;
    return targetOf(pod, (secretName) => this.#secrets?.pins(namespace, secretName) ?? []);
  }

  #count(): {total: number; ready: number} {
    const all = this.#caches.resources();
    return {total: all.length, ready: all.filter(({status}) => isReady(status)).length};
  }
}
