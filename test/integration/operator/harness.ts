import {randomBytes} from 'node:crypto';
import {setTimeout as delay} from 'node:timers/promises';
import type {KubeClient} from '../../../src/kube/client.ts';
import type {KubeObject} from '../../../src/kube/objects.ts';
import {Manager} from '../../../src/operator/manager.ts';
import {createOperatorMetrics} from '../../../src/operator/metrics.ts';
import type {Cluster} from '../../../src/operator/reconcile/act.ts';
import type {KeyAsker} from '../../../src/operator/observe/key-watch.ts';
import type {PodAnswer} from '../../../src/operator/observe/prober.ts';
import {systemClock, type Clock} from '../../../src/support/clock.ts';
import {createLogger} from '../../../src/support/logging.ts';
import {startApiServer, type ApiServer, type TestApiServer} from '../../support/apiserver.ts';
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
import {sharedApiServer} from '../../support/shared-apiserver.ts';
import {Observer} from './observer.ts';

export {createSecret, eventually, IMAGE, Observer, type Stored};

/** What the user agents of operators under test begin with. */
export const AGENT = 'operator-under-test';

export interface Harness<Server extends ApiServer = ApiServer> {
  readonly server: Server;
  readonly admin: KubeClient;
  /** What the pods say when they are asked; by default that nobody is there. */
  answer: (address: string) => PodAnswer;
  /** Makes a namespace of its own. */
  namespace(): Promise<string>;
  /** Makes one with the Secrets that {@link fraiseqlauth} names, and with an operator over it where that is asked for. */
  prepare(options?: {operated?: boolean}): Promise<Prepared>;
  /** Starts an operator over these namespaces; all of them without any, where the API server is the test's own. */
  operate(options?: {
    namespaces?: string[];
    wrap?: (cluster: Cluster) => Cluster;
    /** What pods say of their keys; by default nobody is there. */
    askForKeys?: {
      ask: (address: string) => ReturnType<KeyAsker['pod']>;
      /** What the public URL shows; by default it cannot be reached from here. */
      published?: KeyAsker['published'];
    };
    /** Its way to the API server, closed with it; by default one of its own. */
    client?: KubeClient;
    clock?: Clock;
    /** Another version of the operator: what its pods run, and the schema that they need. */
    version?: {image: string; schemaVersion: string};
  }): Promise<Running>;
  /** Writes by operators after a moment, as `verb resource/name`. */
  writesSince(from: Date, namespace?: string): Promise<string[]>;
  stop(): Promise<void>;
}

/** A namespace in which a resource may be created. */
interface Prepared {
  readonly namespace: string;
  readonly see: Observer;
  /** The key of the resource `auth`, and of its Deployment. */
  readonly key: {namespace: string; name: string};
}

export type OwnHarness = Harness<TestApiServer>;

interface Running {
  /** Resolves when its watches have seen everything once. */
  synced(): Promise<void>;
  /** Ends it as SIGTERM does, or at once. */
  stop(): Promise<void>;
}

/**
 * A real API server with the resource defined, and operators on demand. The test plays the cluster's controllers. The
 * server is the one that test files share; one of the test's own where it does to it what others would not like, or
 * watches all namespaces.
 */
export async function startHarness(): Promise<Harness> {
  return harnessOn(await sharedApiServer(), true);
}

/** The same with an API server of the test's own; `permissive`: with a definition that lets everything in. */
export async function startOwnHarness({permissive = false} = {}): Promise<Harness<TestApiServer>> {
  const server = await startApiServer({audit: true});
  await defineResource(server.admin, permissive ? letEverythingIn : undefined);
  return harnessOn(server, false);
}

function harnessOn<Server extends ApiServer>(server: Server, shared: boolean): Harness<Server> {
  const {admin} = server;
  const id = randomBytes(4).toString('hex');
  const agent = `${AGENT}-${id}`;
  const running = new Set<Running>();
  let count = 0;
  const harness: Harness<Server> = {
    server,
    admin,
    answer: () => undefined,
    async namespace() {
      const name = `test-${id}-${++count}`;
      await createNamespace(admin, name);
      return name;
    },
    async prepare({operated = false} = {}) {
      const namespace = await harness.namespace();
      if (operated) await harness.operate({namespaces: [namespace]});
      await createSecrets(admin, namespace);
      return {namespace, see: new Observer(admin, namespace), key: {namespace, name: 'auth'}};
    },
    async operate({namespaces = [], wrap, askForKeys, client: given, clock = systemClock, version} = {}) {
      if (shared && namespaces.length === 0)
        throw new Error('an operator over all namespaces needs an API server of its own: startOwnHarness()');
      const client = given ?? (await server.client({userAgent: agent}));
      const ending = new AbortController();
      const manager = new Manager({
        client,
        image: IMAGE,
        ...version,
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
            published: askForKeys.published ?? (() => Promise.resolve(undefined)),
          },
        }),
      });
      manager.watch();
      const work = manager.work(ending.signal);
      const one: Running = {
        synced: async () => void (await eventually(() => manager.hasSynced())),
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
        .filter((each) => each.userAgent === agent && new Date(each.requestReceivedTimestamp) >= from)
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

/** What a team writes for production. */
export const PRODUCTION = {
  profile: 'Production',
  publicURL: 'https://auth.example.com',
  backup: {destination: {s3: {bucket: 'backups', credentialsSecretRef: {name: 's3'}}}},
};

/** The Secrets that `fraiseqlauth` and {@link PRODUCTION} name. */
export async function createSecrets(admin: KubeClient, namespace: string): Promise<void> {
  const secrets = {...USER_SECRETS, s3: {'access-key-id': 'a', 'secret-access-key': 'b'}};
  for (const [name, values] of Object.entries(secrets)) await createSecret(admin, namespace, name, values);
}
