import type {FraiseQLAuth} from '../../api/v1alpha1/fraiseqlauth.ts';
import type {EventRecorder} from '../../kube/events.ts';
import {parseKey} from '../../kube/objects.ts';
import type {HandlerResult} from '../../kube/workqueue.ts';
import type {Clock} from '../../support/clock.ts';
import type {Logger} from '../../support/logging.ts';
import {names} from '../desired/names.ts';
import type {Observed} from '../observed.ts';
import type {Planned, Planner} from '../plan/planner.ts';
import {planStatus} from '../plan/approval.ts';
import type {Problem} from '../problem.ts';
import {computeStatus} from '../status/status.ts';
import {serves} from '../workloads.ts';
import {act, type Cluster} from './act.ts';
import {after, isReady, readyOf} from './after.ts';
import type {Caches} from './caches.ts';
import {decide, reading, type Settings} from './decide.ts';
import type {Decision} from './decision.ts';
import {FirstSeen} from './first-seen.ts';
import {asksForKeys} from './key-finding.ts';
import {keysIn} from './keys.ts';
import type {KeyWatch} from './key-watch.ts';
import type {LogReader} from './log-reader.ts';
import type {Overlay} from './overlay.ts';
import {LEAVE_MS, policyOf} from './policy.ts';
import type {Prober} from './prober.ts';
import type {SecretReader} from './secret-reader.ts';
import {secretsToRead} from './secrets.ts';
import {statusUnread} from './unread.ts';
import {writeStatus} from './write-status.ts';

export interface ReconcilerOptions {
  readonly cluster: Cluster;
  readonly caches: Pick<Caches, 'isOpen' | 'resource' | 'childrenOf' | 'podsOf' | 'replicaSetsOf' | 'settle'>;
  readonly secrets: Pick<SecretReader, 'read' | 'forget'>;
  readonly logs: Pick<LogReader, 'lastLines'>;
  readonly prober: Pick<Prober, 'report' | 'forget'>;
  readonly keyWatch: Pick<KeyWatch, 'heard' | 'forget'>;
  readonly planner: Pick<Planner, 'plan' | 'forget'>;
  readonly events: Pick<EventRecorder, 'record'>;
  readonly overlay: Overlay;
  readonly settings: Settings;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Everything is looked at again after this long, should a change ever have been missed. */
const RESYNC_MS = 10 * 60_000;
/** And after this long while it is not ready: that a pod is late, only the clock tells. */
const UNSETTLED_MS = 15_000;
/** Own keys are minted in a first round; what needs them follows in the next of the same pass. */
const ROUNDS = 3;
/**
 * A pass that changed children is followed by another as soon as the cluster has answered. A status that only says that
 * things go on is left to that one, for it costs the API server more than the children do: by so long, and so often.
 */
const HOLD_MS = 300;
const MAX_HOLDS = 3;
/** Not ready, as a person wants it. */
const AT_REST: ReadonlySet<string | undefined> = new Set(['Hibernated', 'Paused', 'PlanPending']);
const GOES_ON: ReadonlySet<string | undefined> = new Set(['Migrating', 'RollingOut', 'Reconciling']);

/**
 * Brings one resource to what its spec says. A pass is: read, decide, act, and write the status once. It knows only the
 * key, and nothing of what has changed: whatever happened before, and wherever a pass before was cut short, the next
 * one comes to the same end.
 */
export class Reconciler {
  readonly #options: ReconcilerOptions;
  readonly #firstSeen: FirstSeen;
  /** How often in a row a status was left to the next pass. */
  readonly #held = new Map<string, number>();
  /** Namespaces that are being deleted, and until when that is believed (monotonic milliseconds). */
  readonly #leaving = new Map<string, number>();

  constructor(options: ReconcilerOptions) {
    this.#options = options;
    this.#firstSeen = new FirstSeen(options.clock);
  }

  /**
   * Handles one key of the work queue.
   * @throws ApiError when the API server could not answer: the queue tries again, with back-off
   */
  async reconcile(key: string, signal: AbortSignal): Promise<HandlerResult> {
    const {caches, secrets, prober, clock, logger} = this.#options;
    const {namespace: where = ''} = parseKey(key);
    // Queued again when it may be seen again.
    if (!caches.isOpen(where)) return {};
    let resource = caches.resource(key);
    if (resource === undefined || resource.metadata.deletionTimestamp !== undefined) {
      // Its children go with it, by their owner references.
      prober.forget(key);
      this.#options.keyWatch.forget(key);
      this.#options.planner.forget(key);
      this.#held.delete(key);
      this.#firstSeen.forget(key);
      await secrets.forget(key, where);
      return {};
    }
    const until = this.#leaving.get(resource.metadata.namespace);
    if (until !== undefined) {
      const leftMs = until - clock.monotonic();
      if (leftMs > 0) return {requeueAfterMs: leftMs};
      this.#leaving.delete(resource.metadata.namespace);
    }
    let observed: Observed;
    try {
      observed = await this.#observe(key, resource, signal);
    } catch (error) {
      return this.#unreadable(resource, error, signal);
    }

    const refused: Problem[] = [];
    let retryMs: number | undefined;
    let failure: Error | undefined;
    let decision: Decision | undefined;
    let planned: Planned | undefined;
    let goesOn = false;
    const changed: string[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      decision = decide(resource, observed, clock.now(), this.#options.settings);
      planned = await this.#plan(key, {resource, decision, observed, now: clock.now(), signal});
      if (planned?.leaving === true) return this.#leave(resource);
      if (planned?.standing.fresh === true) {
        const approved = await this.#approve(resource, planned, signal);
        if (approved === undefined) return {requeueAfterMs: 0};
        resource = approved;
      }
      const {steps, held} = planned ?? {steps: decision.steps};
      const acted = await act({...this.#options, resource, signal}, steps, observed, held);
      const next = after(observed, resource, acted);
      // Where nothing is different, neither is the decision.
      if (next !== observed) {
        decision = undefined;
        const firstSeen = this.#firstSeen.look(key, resource.status, next.children.values());
        observed = {...next, firstSeen, monotonic: clock.monotonic()};
      }
      refused.push(...acted.refused);
      if (acted.leaving) return this.#leave(resource);
      if (acted.retryMs !== undefined) retryMs = Math.min(retryMs ?? Infinity, acted.retryMs);
      failure = acted.error;
      changed.push(...acted.changes.map(({id, outcome}) => `${id} ${outcome}`));
      if (failure !== undefined) break;
      goesOn = acted.changes.some((each) => planned !== undefined || each.outcome === 'minted');
      if (!goesOn) break;
    }
    // What waits is told as it stands when all is done that was let through.
    refused.push(...(planned?.refused ?? []));
    if (planned?.retryMs !== undefined) retryMs = Math.min(retryMs ?? Infinity, planned.retryMs);
    if (changed.length > 0) logger.info({key, changed}, 'changed');
    if (failure !== undefined) {
      if (retryMs === undefined) throw failure;
      logger.warn({key, err: failure, retryMs}, 'the API server asks to wait');
      return {requeueAfterMs: retryMs};
    }

    if (planned !== undefined && goesOn) return {requeueAfterMs: 0};
    // A rotation that has just begun is watched from now on: our own write wakes nobody.
    this.#heardOfKeys(key, resource, observed);
    const now = clock.now();
    const held = this.#held.get(key) ?? 0;
    const mayHold = changed.length > 0 && held < MAX_HOLDS && refused.length === 0;
    // What was not ready before is not ready yet; to put its status into words would be in vain.
    if (mayHold && !isReady(resource.status)) return this.#hold(key, held);
    decision ??= decide(resource, observed, now, this.#options.settings);
    const status = computeStatus({
      resource,
      decision,
      observed,
      refused,
      plan: planned?.standing,
      schemaVersion: this.#options.settings.schemaVersion,
      now,
    });
    const ready = readyOf(status);
    if (mayHold && GOES_ON.has(ready?.reason)) return this.#hold(key, held);
    this.#held.delete(key);
    const moved = await writeStatus({...this.#options, resource, signal}, status);
    if (moved) return {requeueAfterMs: 0};
    const againMs = ready?.status === 'True' || AT_REST.has(ready?.reason) ? RESYNC_MS : UNSETTLED_MS;
    return {requeueAfterMs: Math.min(retryMs ?? againMs, decision.requeueAfterMs ?? againMs, againMs)};
  }

  #leave({metadata: {namespace}}: FraiseQLAuth): HandlerResult {
    this.#leaving.set(namespace, this.#options.clock.monotonic() + LEAVE_MS);
    return {requeueAfterMs: LEAVE_MS};
  }

  async #plan(key: string, asked: Parameters<Planner['plan']>[1]): Promise<Planned | undefined> {
    const {planner} = this.#options;
    if (asked.decision.spec?.management === 'Plan') return planner.plan(key, asked);
    planner.forget(key);
    return undefined;
  }

  /** Remembers what is let through before any of it is made. Undefined where the resource has moved on meanwhile. */
  async #approve(
    resource: FraiseQLAuth,
    {standing}: Planned,
    signal: AbortSignal,
  ): Promise<FraiseQLAuth | undefined> {
    const {plan: _, ...before} = resource.status ?? {};
    const plan = planStatus(standing);
    const status = {...before, ...(plan && {plan})};
    if (await writeStatus({...this.#options, resource, signal}, status)) return undefined;
    return {...resource, status};
  }

  #hold(key: string, before: number): HandlerResult {
    this.#held.set(key, before + 1);
    return {requeueAfterMs: HOLD_MS};
  }

  async #observe(key: string, resource: FraiseQLAuth, signal: AbortSignal): Promise<Observed> {
    const {caches, secrets, logs, prober} = this.#options;
    const children = caches.childrenOf(resource);
    const pods = caches.podsOf(resource);
    const wanted = secretsToRead(reading(resource).named, pods);
    const views = await secrets.read(key, resource.metadata.namespace, wanted, signal);
    return {
      secrets: views,
      children,
      signingKeys: keysIn(children.get(`Secret/${names(resource.metadata).signingKeys}`)),
      pods,
      replicaSets: caches.replicaSetsOf(resource),
      logLines: await logs.lastLines(pods, signal),
      firstSeen: this.#firstSeen.look(key, resource.status, children.values()),
      monotonic: this.#options.clock.monotonic(),
      health: children.has(`Deployment/${names(resource.metadata).server}`) ? prober.report(key) : undefined,
      ...this.#heardOfKeys(key, resource, {children, pods}),
    };
  }

  /** Pods are asked what they do with keys only while that decides something. */
  #heardOfKeys(
    key: string,
    resource: FraiseQLAuth,
    {children, pods}: Pick<Observed, 'children' | 'pods'>,
  ): Pick<Observed, 'keyAnswers' | 'publicKids'> {
    const {keyWatch} = this.#options;
    const {spec} = reading(resource);
    if (spec !== undefined && asksForKeys(resource, spec, children)) {
      return keyWatch.heard(key, pods.filter(serves), spec.publicURL);
    }
    keyWatch.forget(key);
    return {};
  }

  /** A Secret that may not be read is a matter for a person; a server that cannot answer is one for the queue. */
  async #unreadable(resource: FraiseQLAuth, error: unknown, signal: AbortSignal): Promise<HandlerResult> {
    const subject = {apiVersion: 'v1', kind: 'Secret', name: '*'};
    const policy = policyOf(error, subject);
    if (policy.kind !== 'refused') {
      if (policy.retryMs === undefined) throw error;
      return {requeueAfterMs: policy.retryMs};
    }
    const {caches, clock, settings} = this.#options;
    const seen = {
      children: caches.childrenOf(resource),
      pods: caches.podsOf(resource),
      replicaSets: caches.replicaSetsOf(resource),
    };
    const status = statusUnread(resource, error, seen, settings, clock.now());
    await writeStatus({...this.#options, resource, signal}, status);
    return {requeueAfterMs: policy.retryMs};
  }
}
