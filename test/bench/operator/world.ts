import {readFile} from 'node:fs/promises';
import {resolve} from 'node:path';
import {setTimeout as delay} from 'node:timers/promises';
import {parse} from 'yaml';
import {FRAISEQLAUTH} from '../../../src/api/v1alpha1/groupVersion.ts';
import type {FraiseQLAuth} from '../../../src/api/v1alpha1/fraiseqlauth.ts';
import type {KubeClient} from '../../../src/kube/client.ts';
import {RESOURCES, type KubeObject, type ResourceType} from '../../../src/kube/objects.ts';
import {startApiServer, type TestApiServer} from '../../support/apiserver.ts';
import {playControllers, type Players} from './players.ts';

export type Stored = FraiseQLAuth & KubeObject;

/** The image that nobody pulls: nothing runs pods here. */
export const IMAGE = 'registry.test/fraiseql-auth:1.0.0';
/** Calls at once, of the burst and of the floor alike. */
export const CONCURRENCY = 32;
export const OURS = 'app.kubernetes.io/managed-by=fraiseql-auth-operator';

/** Every type of which a resource has children here. */
export const CHILD_TYPES: readonly ResourceType[] = [
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
/** Two Secrets and ServiceAccounts, and one of each other type. */
export const CHILDREN = 11;

const CRD = resolve(import.meta.dirname, '../../../crds/fraiseqlauths.auth.fraiseql.dev.yaml');

/** The users' Secrets that every resource names: one set a namespace, as teams have them. */
export const USER_SECRETS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'auth-db': {'database-url': 'postgres://app:secret@db:5432/auth'},
  'keycloak-client': {'client-id': 'auth', 'client-secret': 'hush'},
  s3: {'access-key-id': 'a', 'secret-access-key': 'b'},
};

/** A fresh API server with the resource defined, namespaces with Secrets in them, and the cluster's controllers played. */
export interface World {
  readonly server: TestApiServer;
  readonly client: KubeClient;
  readonly namespaces: readonly string[];
  readonly players: Players;
  stop(): Promise<void>;
}

export async function startWorld(namespaceCount: number): Promise<World> {
  const server = await startApiServer();
  const client = await server.client({userAgent: 'bench'});
  try {
    await client.create(RESOURCES.CustomResourceDefinition, parse(await readFile(CRD, 'utf8')) as KubeObject);
    await established(client);
    const namespaces = Array.from({length: namespaceCount}, (_, index) => `team-${index}`);
    await inParallel(namespaces, 8, async (name) => {
      await client.create(RESOURCES.Namespace, {apiVersion: 'v1', kind: 'Namespace', metadata: {name}});
      for (const [secret, stringData] of Object.entries(USER_SECRETS)) {
        await client.create<KubeObject>(RESOURCES.Secret, {
          apiVersion: 'v1',
          kind: 'Secret',
          metadata: {name: secret, namespace: name},
          stringData,
        });
      }
    });
    const players = await playControllers(client, OURS);
    return {
      server,
      client,
      namespaces,
      players,
      async stop() {
        await players.stop();
        await client.close();
        await server.stop();
      },
    };
  } catch (error) {
    await client.close();
    await server.stop();
    throw error;
  }
}

async function established(client: KubeClient): Promise<void> {
  const until = performance.now() + 20_000;
  for (;;) {
    try {
      await client.list(FRAISEQLAUTH);
      return;
    } catch (error) {
      if (performance.now() > until) throw error;
    }
    await delay(50);
  }
}

/** What a team in production writes: all the children there are. */
export function fraiseqlauth(namespace: string, name: string): Stored {
  return {
    apiVersion: FRAISEQLAUTH.apiVersion,
    kind: FRAISEQLAUTH.kind,
    metadata: {name, namespace},
    spec: {
      profile: 'Production',
      publicURL: `https://${name}.example.com`,
      // An RSA key takes a tenth of a second of CPU: it would be the figure.
      tokens: {algorithm: 'ES256'},
      providers: [
        {
          name: 'keycloak',
          type: 'Keycloak',
          issuerURL: 'https://keycloak.example.com/realms/staff',
          clientCredentialsSecretRef: {name: 'keycloak-client'},
        },
      ],
      database: {urlSecretRef: {name: 'auth-db', key: 'database-url'}},
      backup: {destination: {s3: {bucket: 'backups', credentialsSecretRef: {name: 's3'}}}},
    },
  } as unknown as Stored;
}

/** Calls `work` for each item, so many at once. The first failure is thrown, when all that had begun is over. */
export async function inParallel<T>(
  items: readonly T[],
  concurrency: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const queue = items.values();
  const worker = async (): Promise<void> => {
    for (const item of queue) await work(item);
  };
  await Promise.all(Array.from({length: concurrency}, worker));
}
