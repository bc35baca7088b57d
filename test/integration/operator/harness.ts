import {readFile} from 'node:fs/promises';
import {resolve} from 'node:path';
import {setTimeout as delay} from 'node:timers/promises';
import {parse} from 'yaml';
import {FRAISEQLAUTH} from '../../../src/api/v1alpha1/groupVersion.ts';
import type {FraiseQLAuth} from '../../../src/api/v1alpha1/fraiseqlauth.ts';
import type {KubeClient} from '../../../src/kube/client.ts';
import {RESOURCES, type KubeObject, type ResourceType} from '../../../src/kube/objects.ts';
import {Manager} from '../../../src/operator/manager.ts';
import {createOperatorMetrics} from '../../../src/operator/metrics.ts';
import type {Cluster} from '../../../src/operator/reconcile/act.ts';
import type {PodAnswer} from '../../../src/operator/reconcile/prober.ts';
import type {Deployment, Job, Pod} from '../../../src/operator/workloads.ts';
import {systemClock} from '../../../src/support/clock.ts';
import {createLogger} from '../../../src/support/logging.ts';
import {startApiServer, type TestApiServer} from '../../support/apiserver.ts';

export type Stored = FraiseQLAuth & KubeObject;
export const IMAGE = 'registry.test/fraiseql-auth:1.0.0';
const AGENT = 'operator-under-test';
const CRD = resolve(import.meta.dirname, '../../../crds/fraiseqlauths.auth.fraiseql.dev.yaml');

export interface Harness {
  readonly server: TestApiServer;
  readonly admin: KubeClient;
  /** What the pods say when they are asked; by default that nobody is there. */
  answer: (address: string) => PodAnswer;
  /** Makes a namespace of its own. */
  namespace(): Promise<string>;
  /** Starts an operator over these namespaces; all of them without any. */
  operate(options?: {namespaces?: string[]; wrap?: (cluster: Cluster) => Cluster}): Promise<Running>;
  /** Writes by operators after a moment, as `verb resource/name`. */
  writesSince(from: Date, namespace?: string): Promise<string[]>;
  stop(): Promise<void>;
}

interface Running {
  /** Ends it as SIGTERM does, or at once. */
  stop(): Promise<void>;
}

/** A real API server with the resource defined, and operators on demand. The test plays the cluster's controllers. */
export async function startHarness({permissive = false} = {}): Promise<Harness> {
  const server = await startApiServer({audit: true});
  const {admin} = server;
  const crd = parse(await readFile(CRD, 'utf8')) as KubeObject;
  if (permissive) letEverythingIn(crd);
  await admin.create(RESOURCES.CustomResourceDefinition, crd);
  await eventually(async () => {
    await admin.list(FRAISEQLAUTH);
  });
  const running = new Set<Running>();
  let count = 0;
  const harness: Harness = {
    server,
    admin,
    answer: () => undefined,
    async namespace() {
      const name = `test-${++count}`;
      await admin.create(RESOURCES.Namespace, {apiVersion: 'v1', kind: 'Namespace', metadata: {name}});
      return name;
    },
    async operate({namespaces = [], wrap} = {}) {
      const client = await server.client({userAgent: AGENT});
      const ending = new AbortController();
      const manager = new Manager({
        client,
        image: IMAGE,
        namespaces,
        identity: 'test',
        clock: systemClock,
        logger: createLogger({
          component: 'operator',
          level: process.env['TEST_LOG'] === '1' ? 'debug' : 'silent',
        }),
        metrics: createOperatorMetrics(),
        ask: (address) => Promise.resolve(harness.answer(address)),
        ...(wrap && {wrap}),
      });
      manager.watch();
      const work = manager.work(ending.signal);
      const one: Running = {
        async stop() {
          if (!running.delete(one)) return;
          ending.abort(new Error('the test ended it'));
          await work;
          await manager.stop();
          await client.close();
        },
      };
      running.add(one);
      return one;
    },
    async writesSince(from, namespace) {
      await delay(200);
      return (await server.writes())
        .filter((each) => each.userAgent === AGENT && new Date(each.requestReceivedTimestamp) >= from)
        .filter((each) => each.objectRef?.resource !== 'events')
        .filter((each) => namespace === undefined || each.objectRef?.namespace === namespace)
        .map(
          ({verb, objectRef: ref}) =>
            `${verb} ${ref?.resource}/${ref?.name ?? ''}${ref?.subresource ? `/${ref.subresource}` : ''}`,
        );
    },
    async stop() {
      for (const each of running) await each.stop();
      await server.stop();
    },
  };
  return harness;
}

/** Takes all checks out of a definition, as if what is stored had been written before there were any. */
function letEverythingIn(crd: KubeObject): void {
  const {versions} = crd['spec'] as {versions: {schema: unknown; subresources: unknown}[]};
  for (const version of versions) {
    version.subresources = {status: {}};
    version.schema = {
      openAPIV3Schema: {
        type: 'object',
        'x-kubernetes-preserve-unknown-fields': true,
        properties: {
          spec: {'x-kubernetes-preserve-unknown-fields': true},
          status: {type: 'object', 'x-kubernetes-preserve-unknown-fields': true},
        },
      },
    };
  }
}

/** Tries until it does not throw and does not give false. */
export async function eventually<T>(attempt: () => Promise<T | false> | T | false, ms = 15_000): Promise<T> {
  const until = Date.now() + ms;
  for (;;) {
    try {
      const result = await attempt();
      if (result !== false) return result;
      if (Date.now() > until) throw new Error(`still false after ${ms} ms: ${attempt.toString()}`);
    } catch (error) {
      if (Date.now() > until) throw error;
    }
    await delay(25);
  }
}

export function fraiseqlauth(namespace: string, spec: Record<string, unknown> = {}, name = 'auth'): Stored {
  return {
    apiVersion: FRAISEQLAUTH.apiVersion,
    kind: FRAISEQLAUTH.kind,
    metadata: {name, namespace},
    spec: {
      profile: 'Development',
      publicURL: 'http://localhost:8000',
      tokens: {algorithm: 'ES256'},
      providers: [
        {
          name: 'keycloak',
          type: 'Keycloak',
          issuerURL: 'http://keycloak.idp.svc:8080/realms/dev',
          clientCredentialsSecretRef: {name: 'keycloak-client'},
        },
      ],
      database: {urlSecretRef: {name: 'auth-db', key: 'database-url'}},
      ...spec,
    },
  } as unknown as Stored;
}

/** The Secrets that `fraiseqlauth` names. */
export async function createSecrets(admin: KubeClient, namespace: string): Promise<void> {
  await createSecret(admin, namespace, 'auth-db', {'database-url': 'postgres://app:secret@db:5432/auth'});
  await createSecret(admin, namespace, 'keycloak-client', {'client-id': 'auth', 'client-secret': 'hush'});
}

export async function createSecret(
  admin: KubeClient,
  namespace: string,
  name: string,
  stringData: Record<string, string>,
): Promise<void> {
  await admin.create<KubeObject>(RESOURCES.Secret, {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: {name, namespace},
    stringData,
  });
}

/** One cluster as the test sees it: reads, and what kubelet and controllers would write. */
export class Observer {
  readonly #admin: KubeClient;
  readonly #namespace: string;

  constructor(admin: KubeClient, namespace: string) {
    this.#admin = admin;
    this.#namespace = namespace;
  }

  async resource(name = 'auth'): Promise<Stored> {
    const found = await this.#admin.get<Stored>(FRAISEQLAUTH, {namespace: this.#namespace, name});
    if (found === undefined) throw new Error(`there is no FraiseQLAuth ${name}`);
    return found;
  }

  /** The condition of a type, as `status/reason: message`. */
  async condition(type: string, name = 'auth'): Promise<{status: string; reason: string; message: string}> {
    const {status} = await this.resource(name);
    const found = status?.conditions?.find((each) => each.type === type);
    if (found === undefined) throw new Error(`no condition ${type} yet`);
    return found;
  }

  get<T extends KubeObject>(type: ResourceType, name: string): Promise<T | undefined> {
    return this.#admin.get<T>(type, {namespace: this.#namespace, name});
  }

  async list<T extends KubeObject>(type: ResourceType): Promise<T[]> {
    return (await this.#admin.list<T>(type, {namespace: this.#namespace})).items;
  }

  /** Every object of the operator's in the namespace, as `Kind/name`. */
  async children(): Promise<string[]> {
    const types = [
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
    const found = await Promise.all(types.map((type) => this.list<KubeObject>(type)));
    return found
      .flat()
      .filter((each) => each.metadata.ownerReferences?.some((owner) => owner.kind === 'FraiseQLAuth'))
      .map((each) => `${each.kind}/${each.metadata.name}`);
  }

  async migrationJob(): Promise<Job> {
    const jobs = await this.list<Job>(RESOURCES.Job);
    const found = jobs.find((each) => /-migrate-/.test(each.metadata.name));
    if (found === undefined) throw new Error('there is no migration Job yet');
    return found;
  }

  /** As the Job controller would: the Job has done its work. */
  async completeJob(job: Job): Promise<void> {
    const now = new Date().toISOString();
    await this.#admin.mergePatch(
      RESOURCES.Job,
      {namespace: this.#namespace, name: job.metadata.name},
      {
        status: {
          startTime: now,
          completionTime: now,
          succeeded: 1,
          conditions: [
            {type: 'SuccessCriteriaMet', status: 'True', lastTransitionTime: now},
            {type: 'Complete', status: 'True', lastTransitionTime: now},
          ],
        },
      },
      {subresource: 'status'},
    );
  }

  /** As kubelet and Job controller would: its pod ended with that message, and so has the Job. */
  async failJob(job: Job, message: string): Promise<void> {
    const now = new Date().toISOString();
    const name = `${job.metadata.name}-${Math.random().toString(36).slice(2, 7)}`;
    await this.createPod(name, job, job.spec?.template?.metadata?.labels ?? {}, {
      phase: 'Failed',
      containerStatuses: [
        {
          name: 'migrate',
          image: IMAGE,
          imageID: '',
          ready: false,
          restartCount: 0,
          state: {terminated: {exitCode: 1, reason: 'Error', message}},
        },
      ],
    });
    await this.#admin.mergePatch(
      RESOURCES.Job,
      {namespace: this.#namespace, name: job.metadata.name},
      {
        status: {
          startTime: now,
          failed: 1,
          conditions: [
            {type: 'FailureTarget', status: 'True', reason: 'BackoffLimitExceeded', lastTransitionTime: now},
            {type: 'Failed', status: 'True', reason: 'BackoffLimitExceeded', lastTransitionTime: now},
          ],
        },
      },
      {subresource: 'status'},
    );
  }

  async createPod(
    name: string,
    owner: KubeObject,
    labels: Record<string, string>,
    status: Record<string, unknown>,
  ): Promise<Pod> {
    await this.#admin.create<KubeObject>(RESOURCES.Pod, {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: {
        name,
        namespace: this.#namespace,
        labels,
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
      spec: {containers: [{name: 'server', image: IMAGE}]},
    });
    return this.#admin.mergePatch<Pod>(
      RESOURCES.Pod,
      {namespace: this.#namespace, name},
      {status},
      {subresource: 'status'},
    );
  }

  /** As the Deployment controller would: every pod of the newest template is ready. */
  async rollOut(name = 'auth'): Promise<void> {
    const live = await this.get<Deployment>(RESOURCES.Deployment, name);
    if (live === undefined) throw new Error('there is no Deployment yet');
    const replicas = live.spec?.replicas ?? 1;
    await this.#admin.mergePatch(
      RESOURCES.Deployment,
      {namespace: this.#namespace, name},
      {
        status: {
          observedGeneration: live.metadata.generation,
          replicas,
          updatedReplicas: replicas,
          readyReplicas: replicas,
          availableReplicas: replicas,
        },
      },
      {subresource: 'status'},
    );
  }

  /** Plays all controllers until the resource is ready. */
  async becomeReady(name = 'auth'): Promise<void> {
    const job = await eventually(() => this.migrationJob());
    await this.completeJob(job);
    await eventually(() => this.rollOut(name));
    await eventually(async () => (await this.condition('Ready', name)).status === 'True' && true);
  }
}
