import type {FraiseQLAuth} from '../../api/v1alpha1/fraiseqlauth.ts';
import type {EventRecorder} from '../../kube/events.ts';
import {keyOf, parseKey} from '../../kube/objects.ts';
import type {HandlerResult} from '../../kube/workqueue.ts';
import type {Clock} from '../../support/clock.ts';
import type {Logger} from '../../support/logging.ts';
import type {Observed} from '../observed.ts';
import type {Planned, Planner} from '../plan/planner.ts';
import {planStatus} from '../plan/approval.ts';
import type {Problem} from '../problem.ts';
import {isReady, readyOf} from '../status/ready.ts';
import {computeStatus} from '../status/status.ts';
import {act, type Breathe, type Cluster, type Failure} from './act.ts';
import {after} from './after.ts';
import type {Caches} from '../observe/caches.ts';
import {Contests} from './contests.ts';
import {Departing} from './departing.ts';
import {decide, type Settings} from '../decide/decide.ts';
import type {Decision} from '../decide/decision.ts';
import {Failing, failureProblem, statusFailing} from './failing.ts';
import type {KeyMint} from './mint.ts';
import type {Observer} from '../observe/observer.ts';
import type {Overlay} from '../observe/overlay.ts';
import {askedMs, policyOf} from './policy.ts';
import {statusUnread} from './unread.ts';
import {writeStatus} from './write-status.ts';

export interface ReconcilerOptions {
  readonly cluster: Cluster;
  readonly mintKey: KeyMint;
  readonly caches: Pick<Caches, 'isOpen' | 'resource' | 'childrenOf' | 'podsOf' | 'replicaSetsOf' | 'settle'>;
  readonly observer: Pick<Observer, 'observe' | 'again' | 'heardOfKeys' | 'forget'>;
  readonly planner: Pick<Planner, 'plan' | 'made' | 'forget'>;
  readonly events: Pick<EventRecorder, 'record'>;
  readonly overlay: Overlay;
  readonly settings: Settings;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** What came of a pass, and when the next is due. */
export interface Outcome extends HandlerResult {
  /** `success`: all that there was to do was done; `requeue`: something is refused, or waited for. */
  readonly result: 'success' | 'requeue' | 'error';
}

/** What the rounds of a pass did, and left. */
interface Done {
  /** With what was let through in its status. */
  readonly resource: FraiseQLAuth;
  readonly observed: Observed;
  /** Undefined where something was changed since it was made. */
  readonly decision: Decision | undefined;
  /** Undefined where changes need nobody's approval. */
  readonly planned: Planned | undefined;
  readonly refused: readonly Problem[];
  readonly changed: readonly string[];
  readonly failures: readonly Failure[];
  readonly retryMs: number | undefined;
  /** Whether more is to be done at once. */
  readonly goesOn: boolean;
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
  /** How often in a row a status was left to the next pass. */
  readonly #held = new Map<string, number>();
  readonly #departing: Departing;
  readonly #failing: Failing;
  readonly #contests: Contests;

  constructor(options: ReconcilerOptions) {
    this.#options = options;
    this.#departing = new Departing(options.clock);
    this.#failing = new Failing(options.clock);
    this.#contests = new Contests(options.clock);
  }

  /**
   * Handles one key of the work queue. `breathe` is awaited before each step.
   * @throws ApiError when the API server could not answer: the queue tries again, with back-off
   */
  async reconcile(key: string, signal: AbortSignal, breathe?: Breathe): Promise<Outcome> {
    try {
      const outcome = await this.#pass(key, signal, breathe);
      if (outcome.failed !== true) this.#failing.forget(key);
      return outcome;
    } catch (error) {
      if (signal.aborted) throw error;
      if (this.#failing.failed(key)) await this.#tell(key, error, signal);
      const retryMs = askedMs(error);
      if (retryMs === undefined) throw error;
      this.#options.logger.warn({key, err: error, retryMs}, 'the API server asks to wait');
      return {result: 'error', failed: true, requeueAfterMs: retryMs};
    }
  }

  async #pass(key: string, signal: AbortSignal, breathe: Breathe | undefined): Promise<Outcome> {
    const {caches, observer} = this.#options;
    const {namespace: where = ''} = parseKey(key);
    // Queued again when it may be seen again.
    if (!caches.isOpen(where)) return {result: 'requeue'};
    const resource = caches.resource(key);
    if (resource === undefined || resource.metadata.deletionTimestamp !== undefined) {
      // Its children go with it, by their owner references.
      await this.#forget(key);
      return {result: 'success'};
    }
    const leftMs = this.#departing.leftMs(key, resource);
    if (leftMs !== undefined) return {result: 'requeue', requeueAfterMs: leftMs};
    let observed: Observed;
    try {
      observed = await observer.observe(key, resource, signal);
    } catch (error) {
      return this.#unreadable(resource, error, signal);
    }
    const done = await this.#rounds(key, resource, observed, signal, breathe);
    return 'result' in done ? done : this.#conclude(key, done, signal);
  }

  /** Decides and acts until nothing more follows of what was done; an outcome where the pass ends with that. */
  async #rounds(
    key: string,
    resource: FraiseQLAuth,
    observed: Observed,
    signal: AbortSignal,
    breathe: Breathe | undefined,
  ): Promise<Done | Outcome> {
    const {observer, clock, settings} = this.#options;
    const refused: Problem[] = [];
    const changed: string[] = [];
    let retryMs: number | undefined;
    let failures: readonly Failure[] = [];
    let decision: Decision | undefined;
    let planned: Planned | undefined;
    let goesOn = false;
    for (let round = 0; round < ROUNDS; round++) {
      decision = decide(resource, observed, clock.now(), settings);
      planned = await this.#plan(key, {resource, decision, observed, now: clock.now(), signal});
      if (planned?.leaving === true) return this.#leave(key, resource);
      if (planned?.standing.fresh === true) {
        const approved = await this.#approve(resource, planned, signal);
        if (approved === undefined) return {result: 'requeue', requeueAfterMs: 0};
        resource = approved;
      }
      const {steps, held} = planned ?? {steps: decision.steps};
      const acted = await act(
        {...this.#options, contests: this.#contests, resource, signal, breathe},
        steps,
        observed,
        held,
      );
      if (planned !== undefined) this.#options.planner.made(key, planned, acted.changes);
      const next = after(observed, resource, acted);
      // Where nothing is different, neither is the decision.
      if (next !== observed) {
        decision = undefined;
        observed = observer.again(key, resource, next);
      }
      refused.push(...acted.refused);
      if (acted.leaving) return this.#leave(key, resource);
      retryMs = sooner(retryMs, acted.retryMs);
      failures = acted.failures;
      changed.push(...acted.changes.map(({id, outcome}) => `${id} ${outcome}`));
      if (failures.length > 0) break;
      // Of what was seen just now no event will tell.
      goesOn =
        acted.overtaken || acted.changes.some((each) => planned !== undefined || each.outcome === 'minted');
      if (!goesOn) break;
    }
    // What waits is told as it stands when all is done that was let through.
    refused.push(...(planned?.refused ?? []), ...this.#contests.problems(key));
    retryMs = sooner(retryMs, planned?.retryMs);
    return {resource, observed, decision, planned, refused, changed, failures, retryMs, goesOn};
  }

  /** What comes of what was done. */
  async #conclude(key: string, done: Done, signal: AbortSignal): Promise<Outcome> {
    const {observer, logger} = this.#options;
    const {changed, failures, retryMs} = done;
    if (changed.length > 0) logger.info({key, changed}, 'changed');
    const [failure] = failures;
    if (failure !== undefined) {
      if (signal.aborted) throw failure.error;
      logger.warn({key, err: failure.error, retryMs}, 'the API server could not do all that there is to do');
      if (!this.#failing.failed(key)) return {result: 'error', failed: true, requeueAfterMs: retryMs};
    }
    if (done.goesOn && (done.planned !== undefined || failure === undefined))
      return {result: 'requeue', requeueAfterMs: 0};
    // A rotation that has just begun is watched from now on: our own write wakes nobody.
    observer.heardOfKeys(key, done.resource, done.observed);
    const refused = [...done.refused, ...failures.map(({error, subject}) => failureProblem(error, subject))];
    return this.#report(key, {...done, refused}, signal);
  }

  /** Says in the status how it stands, once that has settled. */
  async #report(key: string, done: Done, signal: AbortSignal): Promise<Outcome> {
    const {clock, settings} = this.#options;
    const {resource, observed, planned, refused, retryMs} = done;
    const now = clock.now();
    const held = this.#held.get(key) ?? 0;
    const mayHold = done.changed.length > 0 && held < MAX_HOLDS && refused.length === 0;
    // What was not ready before is not ready yet; to put its status into words would be in vain.
    if (mayHold && !isReady(resource.status)) return this.#hold(key, held);
    const decision = done.decision ?? decide(resource, observed, now, settings);
    const status = computeStatus({
      resource,
      decision,
      observed,
      refused,
      plan: planned?.standing,
      schemaVersion: settings.schemaVersion,
      now,
    });
    const ready = readyOf(status);
    if (mayHold && GOES_ON.has(ready?.reason)) return this.#hold(key, held);
    this.#held.delete(key);
    const moved = await writeStatus({...this.#options, resource, signal}, status);
    if (done.failures.length > 0) return {result: 'error', failed: true, requeueAfterMs: retryMs};
    if (moved) return {result: 'requeue', requeueAfterMs: 0};
    const againMs = ready?.status === 'True' || AT_REST.has(ready?.reason) ? RESYNC_MS : UNSETTLED_MS;
    return {
      result: retryMs === undefined && refused.length === 0 ? 'success' : 'requeue',
      requeueAfterMs: Math.min(retryMs ?? againMs, decision.requeueAfterMs ?? againMs, againMs),
    };
  }

  /** Nothing is kept of a resource that is gone. */
  async #forget(key: string): Promise<void> {
    this.#options.planner.forget(key);
    this.#held.delete(key);
    this.#departing.forget(key);
    this.#contests.forget(key);
    await this.#options.observer.forget(key);
  }

  #leave(key: string, resource: FraiseQLAuth): Outcome {
    return {result: 'requeue', requeueAfterMs: this.#departing.add(key, resource)};
  }

  /** Says in the status that no pass comes to its end, where the API server lets us. */
  async #tell(key: string, failure: unknown, signal: AbortSignal): Promise<void> {
    const {caches, clock, logger} = this.#options;
    const resource = caches.resource(key);
    if (resource === undefined || resource.metadata.deletionTimestamp !== undefined) return;
    try {
      const status = statusFailing(resource, failureProblem(failure), clock.now());
      await writeStatus({...this.#options, resource, signal}, status);
    } catch (error) {
      logger.debug({key, err: error}, 'that passes fail cannot be told in the status either');
    }
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

  #hold(key: string, before: number): Outcome {
    this.#held.set(key, before + 1);
    return {result: 'requeue', requeueAfterMs: HOLD_MS};
  }

  /** A Secret that may not be read is a matter for a person; a server that cannot answer is one for the queue. */
  async #unreadable(resource: FraiseQLAuth, error: unknown, signal: AbortSignal): Promise<Outcome> {
    const subject = {apiVersion: 'v1', kind: 'Secret', name: '*'};
    const policy = policyOf(error, subject);
    if (policy.kind !== 'refused') {
      if (policy.kind === 'leave') return this.#leave(keyOf(resource.metadata), resource);
      throw error;
    }
    const {caches, clock, settings} = this.#options;
    const seen = {
      children: caches.childrenOf(resource),
      pods: caches.podsOf(resource),
      replicaSets: caches.replicaSetsOf(resource),
    };
    const status = statusUnread(resource, error, seen, settings, clock.now());
    await writeStatus({...this.#options, resource, signal}, status);
    return {result: 'requeue', requeueAfterMs: policy.retryMs};
  }
}

/** The shorter of two waits, where there are any. */
function sooner(one: number | undefined, other: number | undefined): number | undefined {
  return other === undefined ? one : Math.min(one ?? Infinity, other);
}
