// What an instance depends on fails. Each failure leaves running what ran, says in the status which object is at fault and
// what to do, and heals by itself when its cause is gone. Each in a namespace of its own, side by side.
import {mkdtempSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {setTimeout as delay} from 'node:timers/promises';
import {Agent} from 'undici';
import {describe, test} from 'vitest';
import {Browser, type BrowserOptions} from '../support/browser.ts';
import {selfSigned, type TestCertificate} from '../support/certificate.ts';
import {eventually} from '../support/eventually.ts';
import {apply, kubectl, secret, waitFor} from '../support/kubectl.ts';
import {login, startLogin, type Tokens} from '../support/login.ts';
import {blockedOn, failureSuite} from './support/failure.ts';
import {
  databaseUrl,
  publicUrl,
  redisHost,
  redisUrl,
  secrets,
  SHARED,
  sql,
  startPostgres,
  startProvider,
  startRedis,
} from './support/fixtures.ts';
import {
  browserFor,
  databaseOf,
  expectAlive,
  expectStillServing,
  fraiseqlauth,
  NAME,
  prepare,
  readyPods,
  runningInstance,
} from './support/instance.ts';
import {route} from './support/network.ts';
import {createNamespace} from './support/operator.ts';
import {complains, conditionOf, isReady, type FraiseQLAuth} from './support/watch.ts';

const {watch, claim, readyAgain} = failureSuite();

describe.concurrent('a failure is named, harms nothing that runs, and heals', () => {
  test('the provider is unreachable', async ({expect, onTestFailed}) => {
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
    await waitFor('pod', 'delete', namespace, 240_000, 'app=provider');
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
    expect(blockedOn(away, 'FraiseQLAuth', NAME)).toMatchObject({
      reason: 'ProviderUnreachable',
      hint: expect.stringMatching(/reachable from the pods/),
      objectRef: {key: 'spec.providers[0].issuerURL'},
    });
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
  });

  test('the database is down', async ({expect, onTestFailed}) => {
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
      240_000,
    );
    expect(conditionOf(down, 'Ready')?.status).toBe('False');
    expect(blockedOn(down, 'Secret', 'auth-db')).toMatchObject({
      reason: 'DatabaseUnreachable',
      hint: expect.stringMatching(/database runs/),
      objectRef: {key: 'database-url'},
    });
    await expectAlive(namespace, before);

    await kubectl(['scale', 'deployment/postgres', '--replicas=1'], {namespace});
    await readyAgain(namespace);
    expect(await readyPods(namespace)).toEqual(before);
    const refreshed = await browserFor(namespace).visit(`${publicUrl(namespace)}/auth/refresh`, {
      json: {refresh_token: tokens.refresh_token},
    });
    expect(refreshed.status, 'the session outlived the database').toBe(200);
  });

  test('the password is wrong', async ({expect, onTestFailed}) => {
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
      240_000,
    );
    blockedOn(refused, 'Secret', 'auth-db');
    expect(JSON.stringify(refused.status)).not.toContain('not-the-one');
    await expectStillServing(namespace, before);
    await secret(namespace, 'auth-db', {'database-url': right});
    await readyAgain(namespace);
    await login({baseUrl: publicUrl(namespace), user: 'ada', route: route()});
  });

  test('a migration fails', async ({expect, onTestFailed}) => {
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
      240_000,
    );
    const [blocked] = failed.status?.blockedOn ?? [];
    expect(blocked?.hint).toMatch(/\w+ \w+/);
    await expectStillServing(namespace, before);
    await sql(SHARED, crowded, 'DROP VIEW _system.sessions');
    await readyAgain(namespace, 180_000);
    await waitFor(`pod/${before[0] ?? ''}`, 'delete', namespace);
    await login({baseUrl: publicUrl(namespace), user: 'ada', route: route()});
    expect(await sql(SHARED, crowded, 'SELECT count(*) FROM _system.sessions')).toBe('1');
  });

  test('Redis is away from a service that speaks https itself, while its certificate is renewed', async ({
    expect,
    onTestFailed,
  }) => {
    const namespace = claim(onTestFailed, 'e2e-encrypted');
    const baseUrl = publicUrl(namespace);
    const directory = mkdtempSync(join(tmpdir(), 'e2e-encrypted-'));
    const {host} = new URL(baseUrl);
    const [first, second] = [selfSigned(directory, host), selfSigned(directory, host)];
    const redis = selfSigned(directory, redisHost(namespace));
    rmSync(directory, {recursive: true});
    const pair = ({cert, key}: TestCertificate) => ({'tls.crt': cert, 'tls.key': key});
    /** Who believes only these certificates, and reaches the service over https. */
    const over = (...trusted: TestCertificate[]): BrowserOptions => ({
      dispatcher: new Agent({connect: {ca: trusted.map(({cert}) => cert)}}),
      route: route(new Map(), 'https'),
    });
    const served = (options: BrowserOptions): Promise<void> =>
      eventually(async () => {
        await delay(250);
        const keys = await new Browser(options).visit(`${baseUrl}/.well-known/jwks.json`);
        expect(keys.status).toBe(200);
      }, 240_000);
    const is = (type: string, reason: string) => (resource: FraiseQLAuth) =>
      conditionOf(resource, type)?.reason === reason;

    await prepare(namespace);
    await secret(namespace, 'redis-tls', pair(redis));
    await Promise.all([
      startRedis(namespace),
      secret(namespace, 'auth-tls', pair(first)),
      secret(namespace, 'auth-redis', {'redis-url': redisUrl(namespace)}),
      secrets(namespace, databaseUrl(SHARED, databaseOf(namespace))),
    ]);
    const tls = {inPod: {certificateSecretRef: {name: 'auth-tls'}}};
    const cache = {
      redisURLSecretRef: {name: 'auth-redis'},
      caSecretRef: {name: 'redis-tls', key: 'tls.crt'},
    };
    await apply([fraiseqlauth(namespace, {spec: {tls, cache}})]);
    const whole = (resource: FraiseQLAuth): boolean =>
      isReady(resource) &&
      is('CertificateReady', 'Served')(resource) &&
      is('CacheReachable', 'Reachable')(resource);
    await watch.until(namespace, NAME, 'ready, with its certificate and its Redis', whole, 240_000);
    const before = await readyPods(namespace);
    const either = over(first, second);
    await served(either);
    const tokens = await login({...either, baseUrl, user: 'ada'});

    await secret(namespace, 'auth-tls', pair(second));
    await kubectl(['scale', 'deployment/redis', '--replicas=0'], {namespace});
    const away = await watch.until(
      namespace,
      NAME,
      'saying that Redis is away',
      complains('CacheReachable', 'CacheUnreachable', 'auth-redis'),
    );
    expect(isReady(away)).toBe(true);
    expect(away.status?.['health']).toMatchObject({auth: 'degraded', db: 'ok', cache: 'error'});
    blockedOn(away, 'Secret', 'auth-redis');
    const verified = await new Browser(either).visit(`${baseUrl}/auth/verify`, {
      headers: {authorization: `Bearer ${tokens.access_token}`},
    });
    expect(verified.status).toBe(200);
    const refreshed = await new Browser(either).visit(`${baseUrl}/auth/refresh`, {
      json: {refresh_token: tokens.refresh_token},
    });
    expect(refreshed.status, refreshed.body).toBe(200);

    // The kubelet brings the new certificate to the pod, which shows it as it runs.
    const renewed = over(second);
    await served(renewed);
    await watch.until(namespace, NAME, 'known to show it', is('CertificateReady', 'Served'));
    await expect(new Browser(over(first)).visit(baseUrl)).rejects.toThrow(/certificate/);

    await kubectl(['scale', 'deployment/redis', '--replicas=1'], {namespace});
    const healed = await watch.until(namespace, NAME, 'whole again', whole, 240_000);
    expect(healed.status?.blockedOn ?? []).toEqual([]);
    await expectStillServing(namespace, before, new Browser(renewed));
  });
});
