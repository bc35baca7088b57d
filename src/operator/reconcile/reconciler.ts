import {FRAISEQLAUTH} from '../../api/v1alpha1/groupVersion.ts';
import type {FraiseQLAuth, FraiseQLAuthStatus} from '../../api/v1alpha1/fraiseqlauth.ts';
import type {Condition} from '../../api/v1alpha1/status.ts';
import {bare} from '../../kube/bare.ts';
import {isApiError} from '../../kube/client.ts';
import type {EventRecorder} from '../../kube/events.ts';
import {keyOf, parseKey, type KubeObject} from '../../kube/objects.ts';
import type {HandlerResult} from '../../kube/workqueue.ts';
import type {Clock} from '../../support/clock.ts';
import type {Logger} from '../../support/logging.ts';
import {MANAGER} from '../desired/children.ts';
import {names} from '../desired/names.ts';
import {child, withChildren, type Observed} from '../observed.ts';
import type {Problem} from '../problem.ts';
import {computeStatus} from '../status/status.ts';
import {transitions} from '../status/transitions.ts';
import {serves} from '../workloads.ts';
import {act, type Acted, type Cluster} from './act.ts';
import type {Caches} from './caches.ts';
import {decide, reading, type Settings} from './decide.ts';
import type {Decision} from './decision.ts';
import {FirstSeen} from './first-seen.ts';
import {asksForKeys} from './key-finding.ts';
import {keysIn} from './keys.ts';
import type {KeyWatch} from './key-watch.ts';
import type {LogReader} from './log-reader.ts';
import {mergePatch} from './merge-patch.ts';
import type {Overlay} from './overlay.ts';
import {LEAVE_MS, policyOf} from './policy.ts';
import type {Prober} from './prober.ts';
import type {SecretReader} from './secret-reader.ts';
import {secretsToRead} from './secrets.ts';

export interface ReconcilerOptions {
  readonly cluster: Cluster;
  readonly caches: Pick<Caches, 'resource' | 'childrenOf' | 'podsOf' | 'replicaSetsOf' | 'settle'>;
  readonly secrets: Pick<SecretReader, 'read' | 'forget'>;
  readonly logs: Pick<LogReader, 'lastLines'>;
  readonly prober: Pick<Prober, 'report' | 'forget'>;
  readonly keyWatch: Pick<KeyWatch, 'heard' | 'forget'>;
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
const AT_REST: ReadonlySet<string | undefined> = new Set(['Hibernated', 'Paused']);
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
    const resource = caches.resource(key);
    if (resource === undefined || resource.metadata.deletionTimestamp !== undefined) {
      // Its children go with it, by their owner references.
      prober.forget(key);
      this.#options.keyWatch.forget(key);
      this.#held.delete(key);
      this.#firstSeen.forget(key);
      await secrets.forget(key, parseKey(key).namespace ?? '');
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
    const changed: string[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      decision = decide(resource, observed, clock.now(), this.#options.settings);
      const acted = await act({...this.#options, resource, signal}, decision.steps, observed);
      const next = after(observed, resource, acted);
      // Where nothing is different, neither is the decision.
      if (next !== observed) decision = undefined;
      observed = next;
      refused.push(...acted.refused);
      if (acted.leaving) {
        this.#leaving.set(resource.metadata.namespace, clock.monotonic() + LEAVE_MS);
        return {requeueAfterMs: LEAVE_MS};
      }
      if (acted.retryMs !== undefined) retryMs = Math.min(retryMs ?? Infinity, acted.retryMs);
      failure = acted.error;
      changed.push(...acted.changes.map(({id, outcome}) => `${id} ${outcome}`));
      if (failure !== undefined || !acted.changes.some((each) => each.outcome === 'minted')) break;
    }
    if (changed.length > 0) logger.info({key, changed}, 'changed');
    if (failure !== undefined) {
      if (retryMs === undefined) throw failure;
      logger.warn({key, err: failure, retryMs}, 'the API server asks to wait');
      return {requeueAfterMs: retryMs};
    }

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
      schemaVersion: this.#options.settings.schemaVersion,
      now,
    });
    const ready = readyOf(status);
    if (mayHold && GOES_ON.has(ready?.reason)) return this.#hold(key, held);
    this.#held.delete(key);
    const moved = await this.#write(resource, status, signal);
    if (moved) return {requeueAfterMs: 0};
    const againMs = ready?.status === 'True' || AT_REST.has(ready?.reason) ? RESYNC_MS : UNSETTLED_MS;
    return {requeueAfterMs: Math.min(retryMs ?? againMs, decision.requeueAfterMs ?? againMs, againMs)};
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
    const {clock, settings} = this.#options;
    const problem: Problem = {
      reason: 'SecretsForbidden',
      message: `The operator cannot read Secrets in namespace ${resource.metadata.namespace}: ${error instanceof Error ? error.message : ''}`,
      hint: "Give the operator's ServiceAccount the right to get, list and watch Secrets there",
      objectRef: {kind: 'Namespace', name: resource.metadata.namespace},
    };
    const before = resource.status ?? {};
    const now = clock.now();
    const children = this.#options.caches.childrenOf(resource);
    const empty: Observed = {
      secrets: new Map(),
      children,
      signingKeys: keysIn(children.get(`Secret/${names(resource.metadata).signingKeys}`)),
      pods: this.#options.caches.podsOf(resource),
      replicaSets: this.#options.caches.replicaSetsOf(resource),
      logLines: new Map(),
      firstSeen: new Map(),
      health: undefined,
    };
    const decision = decide(resource, empty, now, settings);
    const blind = {...decision, secrets: decision.secrets && {...decision.secrets, problems: [problem]}};
    const status = computeStatus({
      resource,
      decision: blind,
      observed: empty,
      refused: [],
      schemaVersion: settings.schemaVersion,
      now,
    });
    await this.#write(resource, {...before, ...status}, signal);
    return {requeueAfterMs: policy.retryMs};
  }

  /** Writes the status where it is another one. True where the resource itself has moved on meanwhile. */
  async #write(resource: FraiseQLAuth, status: FraiseQLAuthStatus, signal: AbortSignal): Promise<boolean> {
    const {cluster, overlay, events, logger} = this.#options;
    const patch = mergePatch(resource.status ?? {}, status);
    if (patch === undefined) return false;
    const {name, namespace, uid, generation} = resource.metadata;
    let written: FraiseQLAuth & KubeObject;
    try {
      written = await overlay.during(FRAISEQLAUTH.kind, keyOf({namespace, name}), async () => {
        const answer = await cluster.mergePatch<FraiseQLAuth & KubeObject>(
          FRAISEQLAUTH,
          {namespace, name},
          // The uid makes it this very resource, not one that came in its place.
          {metadata: {uid}, status: patch},
          {subresource: 'status', fieldManager: `${MANAGER}-status`, signal},
        );
        overlay.wrote(bare(answer));
        return answer;
      });
    } catch (error) {
      // It went away while we looked at it.
      if (isApiError(error, 404) || (isApiError(error, 409) && /uid|UID/.test(error.message))) return false;
      throw error;
    }
    for (const event of transitions(resource.status, status)) {
      logger.info({key: `${namespace}/${name}`, reason: event.reason}, event.message);
      events.record(resource, event.type, event.reason, event.message, 'Reconcile');
    }
    return written.metadata.generation !== generation;
  }
}

function readyOf(status: FraiseQLAuthStatus | undefined): Condition | undefined {
  return status?.conditions?.find((each) => each.type === 'Ready');
}

function isReady(status: FraiseQLAuthStatus | undefined): boolean {
  return readyOf(status)?.status === 'True';
}

/** What is known after the steps: objects as they were written, without those that are gone. */
function after(observed: Observed, resource: FraiseQLAuth, acted: Acted): Observed {
  const next = withChildren(observed, acted.written);
  if (acted.written.length === 0 && acted.removed.length === 0) return observed;
  const children = new Map(next.children);
  for (const id of acted.removed) children.delete(id);
  const secret = child({...next, children}, 'Secret', names(resource.metadata).signingKeys);
  return {...next, children, signingKeys: keysIn(secret)};
}
