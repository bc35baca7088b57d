import type {FraiseQLAuth, FraiseQLAuthStatus} from '../../../src/api/v1alpha1/fraiseqlauth.ts';
import type {KubeObject} from '../../../src/kube/objects.ts';
import type {HealthReport, KeyAnswer, KeyView, Observed, SecretView} from '../../../src/operator/observed.ts';
import type {Problem} from '../../../src/operator/problem.ts';
import {FirstSeen} from '../../../src/operator/observe/first-seen.ts';
import {decide, type Settings} from '../../../src/operator/decide/decide.ts';
import {stepId, type Decision} from '../../../src/operator/decide/decision.ts';
import {viewOf} from '../../../src/operator/decide/secrets.ts';
import {computeStatus} from '../../../src/operator/status/status.ts';
import {transitions, type StatusEvent} from '../../../src/operator/status/transitions.ts';
import type {Pod, ReplicaSet} from '../../../src/operator/workloads.ts';
import type {Clock} from '../../../src/support/clock.ts';
import {developmentSpec, productionSpec} from '../../fixtures/specs.ts';
import {Hands} from './hands.ts';
import {ended, isCheck, iso} from './objects.ts';

const NOW = Date.parse('2026-11-23T12:00:00Z');
const SETTINGS: Settings = {
  image: 'registry.test/fraiseql-auth:1.4.0',
  version: '1.4.0',
  schemaVersion: '4',
};

let worlds = 0;

/** A cluster in memory around one resource: what is decided is done at once, without defaults or controllers. */
export class World {
  now = NOW;
  generation = 1;
  spec: Record<string, unknown>;
  status: FraiseQLAuthStatus | undefined;
  secrets = new Map<string, SecretView | undefined>();
  claims = new Map<string, boolean>();
  children = new Map<string, KubeObject>();
  signingKeys: KeyView[] | undefined;
  pods: Pod[] = [];
  replicaSets: ReplicaSet[] = [];
  logLines = new Map<string, string>();
  health: HealthReport | undefined;
  refused: Problem[] = [];
  /** `Kind/name` of what the API server does not let be written. */
  refuses = new Set<string>();
  events: StatusEvent[] = [];
  /** What was done in all, in order. */
  done: string[] = [];
  settings = SETTINGS;
  /**
   * `instant`: a change that is tried out proves itself at once, and nothing is told of it. `manual`: the test ends the
   * Job that tries it out.
   */
  checks: 'instant' | 'manual' = 'instant';
  annotations: Record<string, string> = {};
  keyAnswers = new Map<string, KeyAnswer>();
  publicKids: readonly string[] | undefined;
  /** By how much the clock was set. */
  #setByMs = 0;
  #clocks: Pick<Clock, 'now' | 'monotonic'> = {now: () => this.now, monotonic: () => this.monotonic};
  #firstSeen = new FirstSeen(this.#clocks);
  readonly #hands = new Hands(this);
  readonly uid = `uid-auth-${++worlds}`;

  constructor(spec: Record<string, unknown> = developmentSpec()) {
    this.spec = spec;
    this.secret('auth-db', {'database-url': 'postgres://app:secret@db/auth'});
    this.secret('keycloak-client', {'client-id': 'auth', 'client-secret': 'hush'});
  }

  secret(name: string, values: Record<string, string> | undefined): void {
    if (values === undefined) {
      this.secrets.delete(name);
      return;
    }
    const encoded = Object.entries(values).map(([key, value]) => [
      key,
      Buffer.from(value).toString('base64'),
    ]);
    this.secrets.set(name, viewOf(Object.fromEntries(encoded)));
  }

  change(spec: Record<string, unknown>): void {
    this.spec = {...this.spec, ...spec};
    this.generation++;
  }

  get resource(): FraiseQLAuth {
    return {
      apiVersion: 'auth.fraiseql.dev/v1alpha1',
      kind: 'FraiseQLAuth',
      metadata: {
        name: 'auth',
        namespace: 'prod',
        uid: this.uid,
        generation: this.generation,
        annotations: this.annotations,
      },
      spec: this.spec,
      ...(this.status && {status: this.status}),
    } as unknown as FraiseQLAuth;
  }

  /** As an operator that looks, or one that has just begun to. */
  look(): Observed['firstSeen'] {
    return this.#firstSeen.look('prod/auth', this.status, this.children.values());
  }

  get monotonic(): number {
    return this.now - this.#setByMs;
  }

  /** Somebody sets the clock, and no time passes. */
  setClock(ms: number): void {
    this.now += ms;
    this.#setByMs += ms;
  }

  /** Another operator takes over, and knows nothing of when anything came. */
  restart(): void {
    this.#firstSeen = new FirstSeen(this.#clocks);
  }

  get observed(): Observed {
    const {secrets, claims, children, signingKeys, pods, replicaSets, logLines, health} = this;
    const {keyAnswers, publicKids} = this;
    const firstSeen = this.look();
    const seen = {secrets, claims, children, signingKeys, pods, replicaSets, logLines, health, firstSeen};
    return {...seen, monotonic: this.monotonic, keyAnswers, publicKids};
  }

  decide(): Decision {
    return decide(this.resource, this.observed, this.now, this.settings);
  }

  /** One pass: what it did, and the status it came to. */
  pass(): string[] {
    const done: string[] = [];
    for (let round = 0; round < 3; round++) {
      const {steps} = this.decide();
      const acted = steps.flatMap((step) => (this.refuses.has(stepId(step)) ? [] : this.#hands.take(step)));
      done.push(...acted);
      const proven =
        this.checks === 'instant' && steps.some((step) => step.kind === 'run' && isCheck(step.desired));
      if (!proven && !steps.some((step) => step.kind === 'mint' || step.kind === 'keys')) break;
    }
    const before = this.status;
    this.status = computeStatus({
      resource: this.resource,
      decision: this.decide(),
      observed: this.observed,
      refused: this.refused,
      schemaVersion: this.settings.schemaVersion,
      now: this.now,
    });
    this.events.push(...transitions(before, this.status));
    this.done.push(...done);
    return done;
  }

  /** All controllers do their work until the service runs. */
  settle(): this {
    this.pass();
    this.completeJob();
    this.pass();
    this.rollOut();
    this.pass();
    return this;
  }

  get job(): KubeObject | undefined {
    return [...this.children.values()].findLast(
      (each) => each.kind === 'Job' && each.metadata.labels?.['app.kubernetes.io/component'] === 'migration',
    );
  }

  /** The Job that tries a change out. */
  get check(): KubeObject | undefined {
    return [...this.children.values()].findLast((each) => isCheck(each));
  }

  /** It ends: well, or with this message. */
  endCheck(message?: string, reason = 'BackoffLimitExceeded'): void {
    const {check} = this;
    if (check === undefined) throw new Error('there is no Job that checks');
    const condition = message === undefined ? {type: 'Complete'} : {type: 'Failed', reason};
    const status = {
      conditions: [{status: 'True', lastTransitionTime: iso(this.now), ...condition}],
    };
    this.children.set(`Job/${check.metadata.name}`, {...check, status});
    this.look();
    if (message === undefined) return;
    if (message !== '')
      this.pods.push(
        this.pod(`${check.metadata.name}-x`, check, {containerStatuses: [ended(message)]}, 'check'),
      );
  }

  /** It ends well, with this word on what it brought where there is one. */
  completeJob(detail?: Record<string, unknown>): void {
    const conditions = [{type: 'Complete', status: 'True', lastTransitionTime: iso(this.now)}];
    const job = this.patchJob({conditions});
    const message = JSON.stringify({ok: true, kind: 'migrate', detail});
    if (detail !== undefined)
      this.pods.push(this.pod('migrate-y', job, {containerStatuses: [ended(message, 0)]}, 'migration'));
  }

  failJob(message: string, reason = 'BackoffLimitExceeded'): void {
    const job = this.patchJob({
      conditions: [{type: 'Failed', status: 'True', reason, lastTransitionTime: iso(this.now)}],
    });
    this.look();
    if (message !== '')
      this.pods.push(this.pod('migrate-x', job, {containerStatuses: [ended(message)]}, 'migration'));
  }

  patchJob(status: Record<string, unknown>): KubeObject {
    const {job} = this;
    if (job === undefined) throw new Error('there is no migration Job');
    const next = {...job, status};
    this.children.set(`Job/${job.metadata.name}`, next);
    this.look();
    return next;
  }

  get deployment(): (KubeObject & {spec: {replicas?: number}}) | undefined {
    return this.children.get('Deployment/auth') as (KubeObject & {spec: {replicas?: number}}) | undefined;
  }

  rollOut(): void {
    const live = this.deployment;
    if (live === undefined) throw new Error('there is no Deployment');
    const replicas = live.spec.replicas ?? 1;
    const status = {
      observedGeneration: live.metadata.generation,
      replicas,
      updatedReplicas: replicas,
      readyReplicas: replicas,
      availableReplicas: replicas,
    };
    this.children.set('Deployment/auth', {...live, status});
  }

  pod(name: string, owner: KubeObject, status: Pod['status'], component = 'server', ageMs = 60_000): Pod {
    return {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: {
        name,
        namespace: 'prod',
        uid: `uid-${name}`,
        creationTimestamp: iso(this.now - ageMs),
        labels: {'app.kubernetes.io/component': component},
        ownerReferences: [
          {
            apiVersion: owner.apiVersion,
            kind: owner.kind,
            name: owner.metadata.name,
            uid: owner.metadata.uid ?? '',
            controller: true,
          },
        ],
      },
      spec: {containers: [{name: 'server', image: 'registry.test/fraiseql-auth:9.9.9'}]},
      ...(status && {status}),
    };
  }

  condition(type: string): {status: string; reason: string; message: string} | undefined {
    return this.status?.conditions?.find((each) => each.type === type);
  }

  /** What `kubectl get fqa` shows as reason, and what it says. */
  get ready(): string {
    const {reason, message} = this.condition('Ready') ?? {reason: '', message: ''};
    return `${reason}: ${message}`;
  }
}

/** What was done, without the hash that ends a name. */
export const short = (done: string[]): string[] => done.map((each) => each.replace(/-[0-9a-f]{8}$/, ''));

/** An instance of the Production profile, rolled out and Ready. */
export const running = (): World => new World(productionSpec()).settle();
