import type {FraiseQLAuth, FraiseQLAuthStatus} from '../../../src/api/v1alpha1/fraiseqlauth.ts';
import type {KubeObject} from '../../../src/kube/objects.ts';
import {KEY_LIST, keyList, RING, writeRing} from '../../../src/operator/desired/key-ring.ts';
import type {HealthReport, KeyAnswer, KeyView, Observed, SecretView} from '../../../src/operator/observed.ts';
import type {Problem} from '../../../src/operator/problem.ts';
import {FirstSeen} from '../../../src/operator/observe/first-seen.ts';
import {decide, type Settings} from '../../../src/operator/decide/decide.ts';
import {stepId, type Decision, type Step} from '../../../src/operator/decide/decision.ts';
import {NEW} from '../../../src/operator/decide/key-rotation.ts';
import {valueHash} from '../../../src/operator/key-view.ts';
import {viewOf} from '../../../src/operator/decide/secrets.ts';
import {computeStatus} from '../../../src/operator/status/status.ts';
import {transitions, type StatusEvent} from '../../../src/operator/status/transitions.ts';
import type {Pod, ReplicaSet} from '../../../src/operator/workloads.ts';
import type {Clock} from '../../../src/support/clock.ts';
import {developmentSpec, productionSpec} from '../../fixtures/specs.ts';

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
  #version = 0;
  #minted = 0;
  #clocks: Pick<Clock, 'now' | 'monotonic'> = {now: () => this.now, monotonic: () => this.now};
  #firstSeen = new FirstSeen(this.#clocks);
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

  /** Another operator takes over, and knows nothing of when anything came. */
  restart(): void {
    this.#firstSeen = new FirstSeen(this.#clocks);
  }

  get observed(): Observed {
    const {secrets, claims, children, signingKeys, pods, replicaSets, logLines, health} = this;
    const {keyAnswers, publicKids} = this;
    const firstSeen = this.look();
    const seen = {secrets, claims, children, signingKeys, pods, replicaSets, logLines, health, firstSeen};
    return {...seen, monotonic: this.now, keyAnswers, publicKids};
  }

  decide(): Decision {
    return decide(this.resource, this.observed, this.now, this.settings);
  }

  /** One pass: what it did, and the status it came to. */
  pass(): string[] {
    const done: string[] = [];
    for (let round = 0; round < 3; round++) {
      const {steps} = this.decide();
      const acted = steps.flatMap((step) => this.#take(step));
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

  /** As `writeKeys` does, with names in place of material. */
  #takeKeys({rotation, name}: Extract<Step, {kind: 'keys'}>): string {
    const kid = `k-${rotation.mint}${this.#minted++ === 0 ? '' : `-${this.#minted}`}`;
    const ring = {
      ...rotation.ring,
      keys: rotation.ring.keys.map((each) => (each.kid === NEW ? {...each, kid} : each)),
    };
    const signer = ring.keys.find(({state}) => state === 'Signing');
    const kept = (this.signingKeys ?? []).filter((each) => !rotation.drop.includes(each.kid));
    const made = rotation.mint === undefined ? [] : [{kid, algorithm: rotation.mint}];
    this.signingKeys = [...kept, ...made].map((each) => ({...each, signs: each.kid === signer?.kid}));
    const secret = secretObject(name, this.uid);
    this.children.set(`Secret/${name}`, {
      ...secret,
      metadata: {...secret.metadata, annotations: {[RING]: writeRing(ring)}},
      data: {[KEY_LIST]: valueHash(keyList(ring.keys))},
    });
    return rotation.mint === undefined ? 'update' : 'mint';
  }

  #take(step: Step): string[] {
    const id = stepId(step);
    switch (step.kind) {
      case 'mint':
        this.children.set(id, secretObject(step.name, this.uid));
        return [`mint ${id}`];
      case 'keys':
        return [`${this.#takeKeys(step)} ${id}`];
      case 'patch': {
        const {annotations, ...metadata} = step.object.metadata;
        const kept = Object.entries({...annotations, ...step.patch.metadata?.annotations}).filter(
          (entry): entry is [string, string] => entry[1] !== null,
        );
        const desired = step.object['desired'] as {spec: Record<string, unknown>} | undefined;
        const astray = Object.entries(step.patch.spec).some(
          ([name, value]) => name in (desired?.spec ?? {}) && desired?.spec[name] !== value,
        );
        this.children.set(id, {
          ...step.object,
          desired: astray ? undefined : desired,
          metadata: {
            ...metadata,
            annotations: Object.fromEntries(kept),
            generation: (metadata.generation ?? 0) + 1,
          },
          spec: {...(step.object['spec'] as object), ...step.patch.spec},
        });
        return [`patch ${id}`];
      }
      case 'own':
        this.children.set(id, {
          ...step.object,
          metadata: {...step.object.metadata, ...step.desired.metadata},
        });
        return [`own ${id}`];
      case 'delete':
        this.children.delete(id);
        return this.checks === 'instant' && isCheck(step.object) ? [] : [`delete ${id}`];
      case 'run':
      case 'apply': {
        const live = this.children.get(id);
        if (step.kind === 'apply' && JSON.stringify(live?.['desired']) === JSON.stringify(step.desired))
          return [];
        const spec = {...(step.desired['spec'] as object | undefined)};
        if (step.kind === 'apply' && step.initially) {
          const initial = step.initially['spec'] as object;
          Object.assign(
            spec,
            live === undefined ? initial : {replicas: (live['spec'] as {replicas?: number}).replicas},
          );
        }
        this.children.set(id, {
          ...step.desired,
          ...('spec' in step.desired && {spec}),
          desired: step.desired,
          metadata: {
            ...step.desired.metadata,
            uid: `uid-${id}-${++this.#version}`,
            generation:
              (live?.metadata.generation ?? 0) +
              (JSON.stringify(live?.['spec']) === JSON.stringify(spec) && live !== undefined ? 0 : 1),
            creationTimestamp: iso(this.now),
          },
          ...(live?.['status'] !== undefined && step.kind === 'apply' && {status: live['status']}),
        });
        if (step.kind === 'run' && this.checks === 'instant' && isCheck(step.desired)) {
          this.endCheck();
          return [];
        }
        return [`${live === undefined ? 'create' : step.kind === 'run' ? 'recreate' : 'update'} ${id}`];
      }
      default:
        return step satisfies never;
    }
  }
}

function isCheck({kind, metadata}: KubeObject): boolean {
  return kind === 'Job' && metadata.labels?.['app.kubernetes.io/component'] === 'check';
}

export function iso(ms: number): string {
  return new Date(ms).toISOString().replace('.000Z', 'Z');
}

/** An instance of the Production profile, rolled out and Ready. */
export const running = (): World => new World(productionSpec()).settle();

export function ended(message: string, exitCode = 1) {
  return {name: 'migrate', state: {terminated: {exitCode, reason: 'Error', message}}};
}

export function outcome(reason: string, message: string, hint = 'do this', kind = 'migrate'): string {
  return JSON.stringify({ok: false, kind, reason, message, hint});
}

function secretObject(name: string, uid: string): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: {
      name,
      namespace: 'prod',
      ownerReferences: [
        {
          apiVersion: 'auth.fraiseql.dev/v1alpha1',
          kind: 'FraiseQLAuth',
          name: 'auth',
          uid,
          controller: true,
        },
      ],
    },
    data: {key: 'hash'},
  };
}
