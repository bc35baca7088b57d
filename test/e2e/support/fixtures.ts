// What stands around an instance: a PostgreSQL, an OpenID provider, an S3 server, and the Secrets that name them.
import {ensure, ensureFile, kubectl, rolledOut, secret} from '../../support/kubectl.ts';
import {createNamespace} from './operator.ts';

/** One PostgreSQL and one provider serve every test that does them no harm. */
export const SHARED = 'e2e-shared';

/** The namespaces whose instances log people in through the shared provider. */
const CLIENT_NAMESPACES = [
  'e2e-config',
  'e2e-backup',
  'e2e-secret-missing',
  'e2e-key-missing',
  'e2e-database-down',
  'e2e-wrong-password',
  'e2e-migration-fails',
  'e2e-image',
  'e2e-spec',
  'e2e-foreign',
  'e2e-others',
  'e2e-rollout',
  'e2e-refused',
  'e2e-rotation',
  'e2e-hibernation',
  'e2e-encrypted',
] as const;

const PASSWORD = 'fixture-password';

export function publicUrl(namespace: string): string {
  return `https://auth.${namespace}.example.com`;
}

export function issuerUrl(namespace: string): string {
  return `http://provider.${namespace}.svc.cluster.local:8080`;
}

/** The connection URL of a database on the PostgreSQL of a namespace. */
export function databaseUrl(namespace: string, database: string, password = PASSWORD): string {
  return `postgres://fraiseql_app:${password}@postgres.${namespace}.svc.cluster.local:5432/${database}`;
}

/** A PostgreSQL in the namespace; returns when it answers. */
export async function startPostgres(namespace: string): Promise<void> {
  await ensureFile('test/fixtures/manifests/postgres.yaml', namespace);
  await rolledOut('deployment/postgres', namespace);
}

/** A provider in the namespace, which knows the instances of `clients`; returns when it answers. */
export async function startProvider(namespace: string, clients: readonly string[]): Promise<void> {
  const redirects = clients.map((client) => `${publicUrl(client)}/auth/callback`).join(',');
  await ensure(
    [{apiVersion: 'v1', kind: 'ConfigMap', metadata: {name: 'provider'}, data: {'redirect-uris': redirects}}],
    namespace,
  );
  await ensureFile('test/fixtures/manifests/provider.yaml', namespace);
  await rolledOut('deployment/provider', namespace);
}

/** A Redis in the namespace; it speaks TLS where there is a Secret redis-tls. */
export async function startRedis(namespace: string): Promise<void> {
  await ensureFile('test/fixtures/manifests/redis.yaml', namespace);
  await rolledOut('deployment/redis', namespace);
}

/** The connection URL of the namespace's Redis. */
export function redisUrl(namespace: string): string {
  return `rediss://:${PASSWORD}@${redisHost(namespace)}:6379`;
}

export function redisHost(namespace: string): string {
  return `redis.${namespace}.svc.cluster.local`;
}

/** An S3 server in the namespace with the bucket `auth-backups`; returns when it answers. */
export async function startS3(namespace: string): Promise<void> {
  await ensureFile('test/fixtures/manifests/s3.yaml', namespace);
  await rolledOut('deployment/s3', namespace);
}

/** The shared PostgreSQL and provider, made by whoever comes first. */
export async function ensureShared(): Promise<void> {
  await createNamespace(SHARED);
  await Promise.all([startPostgres(SHARED), startProvider(SHARED, CLIENT_NAMESPACES)]);
}

/** Runs SQL as the application's role, in the pod of the namespace's PostgreSQL; the rows, unaligned. */
export async function sql(namespace: string, database: string, statement: string): Promise<string> {
  const url = `postgres://fraiseql_app:${PASSWORD}@127.0.0.1:5432/${database}`;
  const out = await kubectl(
    ['exec', 'deployment/postgres', '--', 'psql', '-XAtq', '-v', 'ON_ERROR_STOP=1', url, '-c', statement],
    {namespace},
  );
  return out.trim();
}

/** The Secrets that `fraiseqlauth()` of instance.ts names. */
export async function secrets(namespace: string, url: string): Promise<void> {
  await Promise.all([
    secret(namespace, 'auth-db', {'database-url': url}),
    secret(namespace, 'idp-client', {'client-id': 'fraiseql-auth', 'client-secret': 'fixture-client-secret'}),
  ]);
}
