import type {KubeClient} from '../../../src/kube/client.ts';
import {MANAGER} from '../../../src/operator/desired/children.ts';
import type {ObjectKey} from '../../../src/kube/objects.ts';
import {startApiServer, type TestApiServer} from '../../support/apiserver.ts';
import {
  createNamespace,
  createSecret,
  defineResource,
  keycloakResource,
  USER_SECRETS,
  type Stored,
} from '../../support/fraiseqlauths.ts';
import {playControllers, type Players} from './players.ts';

/** Calls at once, of the burst and of the floor alike. */
export const CONCURRENCY = 32;
/** Between two things that are measured one at a time. */
export const PAUSE_MS = 40;
export const OURS = `app.kubernetes.io/managed-by=${MANAGER}`;
/** Children of a resource: two Secrets and ServiceAccounts, and one of each other type. */
export const CHILDREN = 11;

/** The users' Secrets that every resource names: one set a namespace, as teams have them. */
export const SECRETS: typeof USER_SECRETS = {
  ...USER_SECRETS,
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
    await defineResource(client);
    const namespaces = Array.from({length: namespaceCount}, (_, index) => `team-${index}`);
    await inParallel(namespaces, 8, async (name) => {
      await createNamespace(client, name);
      for (const [secret, values] of Object.entries(SECRETS)) {
        await createSecret(client, name, secret, values);
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

/** What a team in production writes: all the children there are. */
export function productionResource(namespace: string, name: string): Stored {
  return keycloakResource(namespace, name, 'https://keycloak.example.com/realms/staff', {
    profile: 'Production',
    publicURL: `https://${name}.example.com`,
    // By default it depends on the most pods that there may be: a change of that would roll the Deployment as well.
    database: {urlSecretRef: {name: 'auth-db', key: 'database-url'}, poolSize: 5},
    backup: {destination: {s3: {bucket: 'backups', credentialsSecretRef: {name: 's3'}}}},
  });
}

export function keysOf(resources: readonly Stored[]): Required<ObjectKey>[] {
  return resources.map(({metadata: {name, namespace}}) => ({name, namespace}));
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
