// Keys rotate under people who are signed in, and a service goes to sleep and wakes.
import {setTimeout as delay} from 'node:timers/promises';
import {createLocalJWKSet, decodeProtectedHeader, jwtVerify, type JSONWebKeySet} from 'jose';
import {afterAll, beforeAll, expect, onTestFailed, test} from 'vitest';
import {eventually} from '../support/eventually.ts';
import {kubectl, listObjects} from '../support/kubectl.ts';
import {login, type Tokens} from '../support/login.ts';
import {dumpOnFailure} from './support/diagnostics.ts';
import {figure} from './support/figures.ts';
import {ensureShared, publicUrl} from './support/fixtures.ts';
import {browserFor, NAME, reachable, readyPods, runningInstance} from './support/instance.ts';
import {closeNetwork, route} from './support/network.ts';
import {ensureOperator, removeNamespaces} from './support/operator.ts';
import {conditionOf, isReady, ResourceWatch, type FraiseQLAuth} from './support/watch.ts';

const ROTATION = 'e2e-rotation';
const HIBERNATION = 'e2e-hibernation';
const watch = new ResourceWatch();

beforeAll(async () => {
  await Promise.all([ensureOperator(), ensureShared()]);
  watch.start();
});

afterAll(async () => {
  watch.close();
  closeNetwork();
  await removeNamespaces(ROTATION, HIBERNATION);
});

type Key = {readonly kid: string; readonly state: string};

const keysOf = (resource: FraiseQLAuth): readonly Key[] =>
  (resource.status?.['signingKeys'] ?? []) as readonly Key[];
const states = (resource: FraiseQLAuth): string =>
  keysOf(resource)
    .map(({state}) => state)
    .join();

/** Presents every token it was given to every pod, and checks it against every pod's own keys, until it is ended. */
function verifier(namespace: string) {
  const baseUrl = publicUrl(namespace);
  const tokens: string[] = [];
  const failures: string[] = [];
  const ending = new AbortController();
  let checks = 0;
  const running = (async () => {
    while (!ending.signal.aborted) {
      for (const pod of await readyPods(namespace)) {
        const browser = browserFor(namespace, pod);
        const keys = await browser.visit(`${baseUrl}/.well-known/jwks.json`);
        const set = createLocalJWKSet(JSON.parse(keys.body) as JSONWebKeySet);
        for (const token of tokens) {
          const kid = String(decodeProtectedHeader(token).kid).slice(0, 8);
          const {status} = await browser.visit(`${baseUrl}/auth/verify`, {
            headers: {authorization: `Bearer ${token}`},
          });
          if (status !== 200) failures.push(`${pod} answers ${status} to a token of ${kid}`);
          await jwtVerify(token, set, {issuer: baseUrl}).catch((error: unknown) =>
            failures.push(`${pod} serves no key for ${kid}: ${String(error)}`),
          );
          checks += 2;
        }
      }
      await delay(300);
    }
  })();
  return {
    add: (token: string) => void tokens.push(token),
    /** After so many checks; a slow machine has a minute for them. */
    async end(enough: number) {
      const until = performance.now() + 60_000;
      const few = (): boolean => checks <= enough && performance.now() < until;
      while (few()) await delay(100);
      ending.abort();
      await running;
      return {checks, failures};
    },
  };
}

async function annotate(namespace: string, annotation: string): Promise<void> {
  await kubectl(['annotate', 'fqa', NAME, '--overwrite', `auth.fraiseql.dev/${annotation}`], {namespace});
}

function planOf({status}: FraiseQLAuth): {hash?: string; changes?: {verb: string; kind: string}[]} {
  return status?.['plan'] ?? {};
}

async function patch(namespace: string, spec: object): Promise<void> {
  await kubectl(['patch', 'fqa', NAME, '--type=merge', '-p', JSON.stringify({spec})], {namespace});
}

test.concurrent('a key rotates on request: old and new tokens verify all along, at every pod, and no pod restarts', async () => {
  onTestFailed(dumpOnFailure('rotation', ROTATION));
  await runningInstance(watch, ROTATION, {
    spec: {replicas: 2, signingKeys: {jwksMaxAge: '2s'}, rateLimits: {policy: 'None'}},
  });
  const baseUrl = publicUrl(ROTATION);
  const pods = await readyPods(ROTATION);
  let session: Tokens = await login({baseUrl, provider: 'idp', user: 'ada', route: route()});
  const old = decodeProtectedHeader(session.access_token).kid;
  const verifying = verifier(ROTATION);
  verifying.add(session.access_token);
  const started = performance.now();
  await annotate(ROTATION, `rotate-signing-key=${Date.now()}`);
  await watch.until(
    ROTATION,
    NAME,
    'signing with another key',
    (each) => states(each) === 'Signing,Retiring',
    240_000,
  );
  // The pods follow one by one; whichever answers, its token is good everywhere.
  for (let kid = old; kid === old; await delay(500)) {
    const refreshed = await browserFor(ROTATION).visit(`${baseUrl}/auth/refresh`, {
      json: {refresh_token: session.refresh_token},
    });
    expect(refreshed.status, `refresh: ${refreshed.body}`).toBe(200);
    session = JSON.parse(refreshed.body) as Tokens;
    verifying.add(session.access_token);
    ({kid} = decodeProtectedHeader(session.access_token));
    expect(performance.now() - started).toBeLessThan(150_000);
  }
  const rotated = await watch.until(
    ROTATION,
    NAME,
    'retiring the old key at a known time',
    (each) => / retires at /.test(conditionOf(each, 'KeysHealthy')?.message ?? ''),
    240_000,
  );
  await figure(
    'a key rotation on request, until every pod signs with the new key',
    (performance.now() - started) / 1000,
    's',
  );
  await delay(1500);
  const {checks, failures} = await verifying.end(50);
  console.log(`${checks} checks of tokens while a key rotated, ${failures.length} failed`);
  expect(failures).toEqual([]);
  expect(checks).toBeGreaterThan(50);
  expect(isReady(rotated)).toBe(true);
  expect(await readyPods(ROTATION)).toEqual(pods);

  // Should the old key be known to others: at once.
  const before = session.access_token;
  await annotate(ROTATION, `retire-signing-key=${old}`);
  await watch.until(ROTATION, NAME, 'without the old key', (each) => states(each) === 'Signing', 240_000);
  const secret = (
    await listObjects<{data: Record<string, string>}>(
      'secrets',
      ROTATION,
      `app.kubernetes.io/instance=${NAME}`,
    )
  ).find(({metadata}) => metadata.name === `${NAME}-signing-keys`);
  expect(Object.keys(secret?.data ?? {})).not.toContain(`${old}.pem`);
  for (const pod of pods) {
    await eventually(async () => {
      const keys = await browserFor(ROTATION, pod).visit(`${baseUrl}/.well-known/jwks.json`);
      return !keys.body.includes(String(old));
    });
    const verified = await browserFor(ROTATION, pod).visit(`${baseUrl}/auth/verify`, {
      headers: {authorization: `Bearer ${before}`},
    });
    expect(verified.status).toBe(200);
  }
});

test.concurrent('a service hibernates and wakes within seconds, and who was signed in still is', async () => {
  onTestFailed(dumpOnFailure('hibernation', HIBERNATION));
  await runningInstance(watch, HIBERNATION);
  const baseUrl = publicUrl(HIBERNATION);
  const session = await login({baseUrl, provider: 'idp', user: 'grace', route: route()});
  await patch(HIBERNATION, {runState: 'Hibernated'});
  const asleep = await watch.until(
    HIBERNATION,
    NAME,
    'asleep',
    (each) => conditionOf(each, 'Ready')?.reason === 'Hibernated' && (each.status?.replicas ?? 0) === 0,
  );
  expect(conditionOf(asleep, 'Ready')?.status).toBe('False');
  expect(await kubectl(['get', 'fqa', NAME], {namespace: HIBERNATION})).toMatch(/False\s+Hibernated\s+0/);

  const started = performance.now();
  await patch(HIBERNATION, {runState: 'Running'});
  await watch.until(HIBERNATION, NAME, 'awake', isReady);
  await figure(
    'from runState: Running to Ready after hibernation',
    (performance.now() - started) / 1000,
    's',
  );
  await reachable(HIBERNATION);
  const refreshed = await browserFor(HIBERNATION).visit(`${baseUrl}/auth/refresh`, {
    json: {refresh_token: session.refresh_token},
  });
  expect(refreshed.status, `refresh: ${refreshed.body}`).toBe(200);
  const verified = await browserFor(HIBERNATION).visit(`${baseUrl}/auth/verify`, {
    headers: {authorization: `Bearer ${session.access_token}`},
  });
  expect(verified.status).toBe(200);

  // Paused, what is taken away stays away.
  await patch(HIBERNATION, {management: 'Paused'});
  await watch.until(HIBERNATION, NAME, 'paused', (each) => conditionOf(each, 'Ready')?.reason === 'Paused');
  await kubectl(['delete', 'poddisruptionbudget,service', '-l', `app.kubernetes.io/instance=${NAME}`], {
    namespace: HIBERNATION,
  });
  await delay(3000);
  expect(await listObjects('services', HIBERNATION, `app.kubernetes.io/instance=${NAME}`)).toEqual([]);
  // With Plan it comes back when somebody lets that very plan through.
  await patch(HIBERNATION, {management: 'Plan'});
  const planned = await watch.until(HIBERNATION, NAME, 'planning', (each) => planOf(each).hash !== undefined);
  expect(planOf(planned).changes?.map(({verb, kind}) => `${verb} ${kind}`)).toContain('Create Service');
  expect(await listObjects('services', HIBERNATION, `app.kubernetes.io/instance=${NAME}`)).toEqual([]);
  await annotate(HIBERNATION, `approve-plan=${planOf(planned).hash ?? ''}`);
  await eventually(
    async () =>
      (await listObjects('services', HIBERNATION, `app.kubernetes.io/instance=${NAME}`)).length === 1,
  );
});
