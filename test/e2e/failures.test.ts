// What a person will really meet. Each failure leaves running what ran, says in the status which object is at fault
// and what to do, and heals by itself when its cause is gone. Each in a namespace of its own, side by side.
import {afterAll, beforeAll, describe, expect, test, type TestContext} from 'vitest';
import {apply, kubectl, KubectlError, remove, secret, waitFor} from '../support/kubectl.ts';
import {login, startLogin, type Tokens} from '../support/login.ts';
import {dumpOnFailure} from './support/diagnostics.ts';
import {
  databaseUrl,
  ensureShared,
  publicUrl,
  secrets,
  SHARED,
  sql,
  startPostgres,
  startProvider,
} from './support/fixtures.ts';
import {
  browserFor,
  databaseOf,
  expectAlive,
  expectStillServing,
  fraiseqlauth,
  NAME,
  prepare,
  reachable,
  readyPods,
  runningInstance,
} from './support/instance.ts';
import {closeNetwork, route} from './support/network.ts';
import {createNamespace, ensureOperator, removeNamespaces} from './support/operator.ts';
import {complains, conditionOf, isReady, ResourceWatch, type FraiseQLAuth} from './support/watch.ts';

const watch = new ResourceWatch();
const used: string[] = [];
const LIMIT_MS = 240_000;

beforeAll(async () => {
  await Promise.all([ensureOperator(), ensureShared()]);
  watch.start();
}, 240_000);

afterAll(async () => {
  watch.close();
  closeNetwork();
  await removeNamespaces(...used);
});

function claim(onTestFailed: TestContext['onTestFailed'], namespace: string): string {
  used.push(namespace);
  onTestFailed(dumpOnFailure(namespace, namespace));
  return namespace;
}

/** What `blockedOn` says of an object: it names it, and says what to do. */
function blockedOn(resource: FraiseQLAuth, kind: string, name: string): {message: string; hint?: string} {
  const found = resource.status?.blockedOn?.find(
    ({objectRef}) => objectRef?.kind === kind && objectRef.name === name,
  );
  expect(
    found,
    `blockedOn names ${kind} ${name}: ${JSON.stringify(resource.status?.blockedOn)}`,
  ).toBeDefined();
  expect(found?.hint, 'a hint says what to do').toMatch(/\w+ \w+/);
  return found ?? {message: ''};
}

async function readyAgain(namespace: string, timeoutMs = 120_000): Promise<FraiseQLAuth> {
  const healed = await watch.until(namespace, NAME, 'ready again', isReady, timeoutMs);
  expect(healed.status?.blockedOn ?? []).toEqual([]);
  await reachable(namespace);
  return healed;
}

describe.concurrent('a failure is named, harms nothing that runs, and heals', () => {
  test(
    'the provider is unreachable',
    async ({expect, onTestFailed}) => {
      const namespace = claim(onTestFailed, 'e2e-provider');
      await createNamespace(namespace);
      await startProvider(namespace, [namespace]);
      await prepare(namespace);
      await runningInstance(watch, namespace, {
        providerIn: namespace,
        databaseUrl: databaseUrl(SHARED, databaseOf(namespace)),
      });
      const baseUrl = publicUrl(namespace);
      const tokens: Tokens = await login({baseUrl, user: 'ada', route: route()});
      const before = await readyPods(namespace);

      await kubectl(['scale', 'deployment/provider', '--replicas=0'], {namespace});
      await waitFor('pod', 'delete', namespace, 30_000, 'app=provider');
      // Whoever tries to log in is told at once, and makes the server look again sooner than by itself.
      const refused = startLogin(browserFor(namespace), {baseUrl, provider: 'idp'});
      await expect(refused).rejects.toThrow(/502.*oauth_error/);
      const away = await watch.until(
        namespace,
        NAME,
        'saying that the provider is away',
        complains('ProviderReachable', 'ProviderUnreachable', 'idp'),
        150_000,
      );
      expect(conditionOf(away, 'Available')?.status).toBe('True');
      await expectStillServing(namespace, before);
      const refreshed = await browserFor(namespace).visit(`${baseUrl}/auth/refresh`, {
        json: {refresh_token: tokens.refresh_token},
      });
      expect(refreshed.status, 'sessions go on without the provider').toBe(200);
      const health = await browserFor(namespace).visit(`${baseUrl}/health/auth`);
      expect([health.status, JSON.parse(health.body)]).toEqual([
        200,
        {auth: 'degraded', oauth_provider: 'error', db: 'ok'},
      ]);
      await expect(startLogin(browserFor(namespace), {baseUrl})).rejects.toThrow(/502.*oauth_error/);

      await kubectl(['scale', 'deployment/provider', '--replicas=1'], {namespace});
      await readyAgain(namespace);
      await login({baseUrl, user: 'ada', route: route()});
      expect(await readyPods(namespace)).toEqual(before);
    },
    LIMIT_MS,
  );

  test(
    'the database Secret is missing, at first and later',
    async ({expect, onTestFailed}) => {
      const namespace = claim(onTestFailed, 'e2e-secret-missing');
      await prepare(namespace);
      const url = databaseUrl(SHARED, databaseOf(namespace));
      await secret(namespace, 'idp-client', {
        'client-id': 'fraiseql-auth',
        'client-secret': 'fixture-client-secret',
      });
      await apply([fraiseqlauth(namespace)]);
      const missing = await watch.until(
        namespace,
        NAME,
        'naming the Secret',
        complains('SecretsResolved', 'auth-db', 'SecretNotFound'),
      );
      expect(blockedOn(missing, 'Secret', 'auth-db').message).toContain('auth-db');
      expect(conditionOf(missing, 'Ready')?.message).toContain('auth-db');
      await secret(namespace, 'auth-db', {'database-url': url});
      await readyAgain(namespace);

      const before = await readyPods(namespace);
      await remove('secret', 'auth-db', namespace);
      await watch.until(namespace, NAME, 'naming the Secret again', complains('SecretsResolved', 'auth-db'));
      await expectStillServing(namespace, before);
      await secret(namespace, 'auth-db', {'database-url': url});
      await readyAgain(namespace);
      expect(await readyPods(namespace), 'the same data rolls nothing').toEqual(before);
    },
    LIMIT_MS,
  );

  test(
    'a key of a Secret is missing',
    async ({expect, onTestFailed}) => {
      const namespace = claim(onTestFailed, 'e2e-key-missing');
      await runningInstance(watch, namespace);
      const before = await readyPods(namespace);
      await remove('secret', 'auth-db', namespace);
      await secret(namespace, 'auth-db', {url: databaseUrl(SHARED, databaseOf(namespace))});
      const missing = await watch.until(
        namespace,
        NAME,
        'naming the key',
        complains('SecretsResolved', 'SecretKeyNotFound', 'auth-db', 'database-url'),
      );
      blockedOn(missing, 'Secret', 'auth-db');
      await expectStillServing(namespace, before);
      await secret(namespace, 'auth-db', {'database-url': databaseUrl(SHARED, databaseOf(namespace))});
      await readyAgain(namespace);
      expect(await readyPods(namespace)).toEqual(before);
    },
    LIMIT_MS,
  );

  test(
    'the database is down',
    async ({expect, onTestFailed}) => {
      const namespace = claim(onTestFailed, 'e2e-database-down');
      await createNamespace(namespace);
      await startPostgres(namespace);
      await runningInstance(watch, namespace, {databaseUrl: databaseUrl(namespace, 'fraiseql')});
      const tokens = await login({baseUrl: publicUrl(namespace), user: 'ada', route: route()});
      const before = await readyPods(namespace);

      await kubectl(['scale', 'deployment/postgres', '--replicas=0'], {namespace});
      const down = await watch.until(
        namespace,
        NAME,
        'saying that the database is down',
        complains('DatabaseReachable', 'DatabaseUnreachable', /postgres\.e2e-database-down|auth-db/),
        120_000,
      );
      expect(conditionOf(down, 'Ready')?.status).toBe('False');
      await expectAlive(namespace, before);

      await kubectl(['scale', 'deployment/postgres', '--replicas=1'], {namespace});
      await readyAgain(namespace);
      expect(await readyPods(namespace)).toEqual(before);
      const refreshed = await browserFor(namespace).visit(`${publicUrl(namespace)}/auth/refresh`, {
        json: {refresh_token: tokens.refresh_token},
      });
      expect(refreshed.status, 'the session outlived the database').toBe(200);
    },
    LIMIT_MS,
  );

  test(
    'the password is wrong',
    async ({expect, onTestFailed}) => {
      const namespace = claim(onTestFailed, 'e2e-wrong-password');
      await runningInstance(watch, namespace);
      const before = await readyPods(namespace);
      const right = databaseUrl(SHARED, databaseOf(namespace));
      await secret(namespace, 'auth-db', {
        'database-url': databaseUrl(SHARED, databaseOf(namespace), 'not-the-one'),
      });
      const refused = await watch.until(
        namespace,
        NAME,
        'saying that the password is refused',
        complains('DatabaseReachable', 'DatabaseAuthenticationFailed'),
        120_000,
      );
      blockedOn(refused, 'Secret', 'auth-db');
      expect(JSON.stringify(refused.status)).not.toContain('not-the-one');
      await expectStillServing(namespace, before);
      await secret(namespace, 'auth-db', {'database-url': right});
      await readyAgain(namespace);
      await login({baseUrl: publicUrl(namespace), user: 'ada', route: route()});
    },
    LIMIT_MS,
  );

  test(
    'a migration fails',
    async ({expect, onTestFailed}) => {
      const namespace = claim(onTestFailed, 'e2e-migration-fails');
      await runningInstance(watch, namespace);
      const before = await readyPods(namespace);
      // A database in which something else already has the name of our table.
      const crowded = `${databaseOf(namespace)}_crowded`;
      await sql(SHARED, 'fraiseql', `CREATE DATABASE ${crowded}`);
      await sql(SHARED, crowded, 'CREATE SCHEMA _system; CREATE VIEW _system.sessions AS SELECT 1 AS id');
      await secret(namespace, 'auth-db', {'database-url': databaseUrl(SHARED, crowded)});
      const failed = await watch.until(
        namespace,
        NAME,
        'saying that the migration failed',
        complains('SchemaCurrent', 'MigrationFailed', /sessions/),
        120_000,
      );
      const [blocked] = failed.status?.blockedOn ?? [];
      expect(blocked?.hint).toMatch(/\w+ \w+/);
      await expectStillServing(namespace, before);
      await sql(SHARED, crowded, 'DROP VIEW _system.sessions');
      await readyAgain(namespace, 180_000);
      await waitFor(`pod/${before[0] ?? ''}`, 'delete', namespace);
      await login({baseUrl: publicUrl(namespace), user: 'ada', route: route()});
      expect(await sql(SHARED, crowded, 'SELECT count(*) FROM _system.sessions')).toBe('1');
    },
    LIMIT_MS,
  );

  test(
    'the image cannot be pulled',
    async ({expect, onTestFailed}) => {
      const namespace = claim(onTestFailed, 'e2e-image');
      await runningInstance(watch, namespace);
      const before = await readyPods(namespace);
      const image = 'localhost:1/nowhere/fraiseql-auth:9';
      await apply([fraiseqlauth(namespace, {spec: {image}})]);
      const stuck = await watch.until(
        namespace,
        NAME,
        'quoting the pull',
        complains('Ready', 'ImagePullFailed', image),
        120_000,
      );
      expect(conditionOf(stuck, 'Available')?.status, 'the old pods serve').toBe('True');
      expect(conditionOf(stuck, 'Progressing')?.status).toBe('False');
      expect(stuck.status?.blockedOn?.[0]?.hint).toMatch(/image/i);
      await expectStillServing(namespace, before);
      await apply([fraiseqlauth(namespace)]);
      await readyAgain(namespace);
      expect(await readyPods(namespace)).toEqual(before);
    },
    LIMIT_MS,
  );

  test(
    'the spec is invalid',
    async ({expect, onTestFailed}) => {
      const namespace = claim(onTestFailed, 'e2e-spec');
      await runningInstance(watch, namespace);
      const before = await readyPods(namespace);
      const wrong = fraiseqlauth(namespace, {
        spec: {replicas: 2, autoscaling: {minReplicas: 1, maxReplicas: 2}},
      });
      const refusal = await apply([wrong]).then(
        () => 'accepted',
        (error: unknown) => (error instanceof KubectlError ? error.stderr : String(error)),
      );
      expect(refusal).toContain(
        'spec.replicas cannot be set together with spec.autoscaling: remove one of them',
      );
      await expectStillServing(namespace, before);
      // The next right one is taken as if nothing had been.
      await apply([fraiseqlauth(namespace, {spec: {replicas: 2}})]);
      await watch.until(
        namespace,
        NAME,
        'at two replicas',
        (resource) => isReady(resource) && resource.status?.readyReplicas === 2,
      );
      await expectStillServing(namespace, before);
    },
    LIMIT_MS,
  );

  test(
    'an object of the name of a child belongs to somebody else',
    async ({expect, onTestFailed}) => {
      const namespace = claim(onTestFailed, 'e2e-foreign');
      await prepare(namespace);
      await secrets(namespace, databaseUrl(SHARED, databaseOf(namespace)));
      const foreign = {
        apiVersion: 'v1',
        kind: 'Service',
        metadata: {name: NAME, namespace, labels: {whose: 'another-team'}},
        spec: {selector: {app: 'another'}, ports: [{port: 80}]},
      };
      await apply([foreign]);
      await apply([fraiseqlauth(namespace)]);
      const blocked = await watch.until(
        namespace,
        NAME,
        'naming the Service',
        complains('Progressing', 'ObjectNotOurs', 'Service', NAME),
      );
      blockedOn(blocked, 'Service', NAME);
      await remove('service', NAME, namespace);
      await readyAgain(namespace, 150_000);
      const tokens = await login({baseUrl: publicUrl(namespace), user: 'ada', route: route()});
      expect(tokens.token_type).toBe('Bearer');
    },
    LIMIT_MS,
  );
});
