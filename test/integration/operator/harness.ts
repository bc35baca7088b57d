import {setTimeout as delay} from 'node:timers/promises';
import {FRAISEQLAUTH} from '../../../src/api/v1alpha1/groupVersion.ts';
import type {KubeClient} from '../../../src/kube/client.ts';
import {RESOURCES, type KubeObject, type ResourceType} from '../../../src/kube/objects.ts';
import {Manager} from '../../../src/operator/manager.ts';
import {createOperatorMetrics} from '../../../src/operator/metrics.ts';
import type {Cluster} from '../../../src/operator/reconcile/act.ts';
import {CHILD_TYPES} from '../../../src/operator/reconcile/caches.ts';
import type {KeyAsker} from '../../../src/operator/reconcile/key-watch.ts';
import type {PodAnswer} from '../../../src/operator/reconcile/prober.ts';
import type {Deployment, Job, Pod} from '../../../src/operator/workloads.ts';
import {systemClock, type Clock} from '../../../src/support/clock.ts';
import {createLogger} from '../../../src/support/logging.ts';
import {startApiServer, type TestApiServer} from '../../support/apiserver.ts';
import {completeJob, rollOut} from '../../support/controllers.ts';
import {eventually} from '../../support/eventually.ts';
import {
  createNamespace,
  createSecret,
  defineResource,
  IMAGE,
  keycloakResource,
  USER_SECRETS,
  type Stored,
} from '../../support/fraiseqlauths.ts';

export {createSecret, eventually, IMAGE, type Stored};

const AGENT = 'operator-under-test';

export interface Harness {
  readonly server: TestApiServer;
  readonly admin: KubeClient;
  /** What the pods say when they are asked; by default that nobody is there. */
  answer: (address: string) => PodAnswer;
  /** Makes a namespace of its own. */
  namespace(): Promise<string>;
  /** Starts an operator over these namespaces; all of them without any. */
  operate(options?: {
    namespaces?: string[];
    wrap?: (cluster: Cluster) => Cluster;
    /** What pods say of their keys; by default nobody is there. */
    askForKeys?: {ask: (address: string) => ReturnType<KeyAsker['pod']>};
    /** Its way to the API server, closed with it; by default one of its own. */
    client?: KubeClient;
    clock?: Clock;
  }): Promise<Running>;
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
  await defineResource(admin, permissive ? letEverythingIn : undefined);
  const running = new Set<Running>();
  let count = 0;
  const harness: Harness = {
    server,
    admin,
    answer: () => undefined,
    async namespace() {
      const name = `test-${++count}`;
      await createNamespace(admin, name);
      return name;
    },
    async operate({namespaces = [], wrap, askForKeys, client: given, clock = systemClock} = {}) {
      const client = given ?? (await server.client({userAgent: AGENT}));
      const ending = new AbortController();
      const manager = new Manager({
        client,
        image: IMAGE,
        namespaces,
        identity: 'test',
        clock,
        logger: createLogger({
          component: 'operator',
          level: process.env['TEST_LOG'] === '1' ? 'debug' : 'silent',
        }),
        metrics: createOperatorMetrics(),
        ask: ({address}) => Promise.resolve(harness.answer(address)),
        ...(wrap && {wrap}),
        ...(askForKeys && {
          askForKeys: {
            pod: ({address}) => askForKeys.ask(address),
            published: () => Promise.resolve(undefined),
          },
        }),
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

export function fraiseqlauth(namespace: string, spec: Record<string, unknown> = {}, name = 'auth'): Stored {
  return keycloakResource(namespace, name, 'http://keycloak.idp.svc:8080/realms/dev', {
    profile: 'Development',
    publicURL: 'http://localhost:8000',
    ...spec,
  });
}

/** The Secrets that `fraiseqlauth` names. */
export async function createSecrets(admin: KubeClient, namespace: string): Promise<void> {
  for (const [name, values] of Object.entries(USER_SECRETS)) {
    await createSecret(admin, namespace, name, values);
  }
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
    const found = await Promise.all(CHILD_TYPES.map((type) => this.list<KubeObject>(type)));
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

  /** The Job that tries a change out comes, and finds nothing wrong. */
  async passCheck(): Promise<void> {
    await this.completeJob(await eventually(() => this.checkJob()));
  }

  /** A Job that tries a change out and is not at its end. */
  async checkJob(): Promise<Job> {
    const jobs = await this.list<Job>(RESOURCES.Job);
    const found = jobs.find(
      (each) => /-check-/.test(each.metadata.name) && (each.status?.conditions ?? []).length === 0,
    );
    if (found === undefined) throw new Error('there is no Job that tries a change out');
    return found;
  }

  completeJob(job: Job): Promise<void> {
    return completeJob(this.#admin, job);
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

  async rollOut(name = 'auth'): Promise<void> {
    const live = await this.get<Deployment>(RESOURCES.Deployment, name);
    if (live === undefined) throw new Error('there is no Deployment yet');
    await rollOut(this.#admin, live);
  }

  /** Plays all controllers until the resource is ready. */
  async becomeReady(name = 'auth'): Promise<void> {
    const job = await eventually(() => this.migrationJob());
    await this.completeJob(job);
    await eventually(() => this.rollOut(name));
    await eventually(async () => (await this.condition('Ready', name)).status === 'True' && true);
  }
}
