// What replicas share through Redis: the limits, and what one has read of a session. And that nothing depends on it.
import {mkdtempSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {setTimeout as delay} from 'node:timers/promises';
import {afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished} from 'vitest';
import {INTERVALS} from '../../../src/server/intervals.ts';
import type {RunningServer} from '../../../src/server/server.ts';
import {selfSigned} from '../../support/certificate.ts';
import {startFaultProxy} from '../../support/fault-proxy.ts';
import {startRedis, type TestRedis} from '../../support/redis.ts';
import {deniedLogin} from './support/denied-login.ts';
import {startHostileProvider} from '../../support/server/hostile-provider.ts';
import {metricsOf} from '../../support/server/metrics.ts';
import {holdSession, verifyStatus, type HeldSession} from '../../support/server/sessions.ts';
import {CLIENT_SECRET, startStack, until, type Stack} from '../../support/server/stack.ts';

let stack: Stack;
let redis: TestRedis;
let a: RunningServer;
let b: RunningServer;

beforeAll(async () => {
  [stack, redis] = await Promise.all([startStack(), startRedis()]);
  [a, b] = await Promise.all([connected(), connected()]);
});
afterEach(async () => {
  await redis.start();
  await bothUse();
  await redis.client.flushall();
});
afterAll(async () => {
  await stack.close();
  await redis.close();
});

const bothUse = (): Promise<void> =>
  until('Redis', async () => (await redisIs(a)) === 'ok' && (await redisIs(b)) === 'ok');

/** `redisCommandMs` is so long that Redis is at fault, and not the machine, where it is not met. */
const replica = (env: NodeJS.ProcessEnv = {}, redisCommandMs = 10_000): Promise<RunningServer> =>
  stack.server(
    {
      REDIS_URL: redis.url,
      RATE_LIMITS: 'On',
      // So few that none comes back while a test is slow.
      RATE_LIMIT_LOGOUT_PER_MINUTE: '4',
      RATE_LIMIT_REFRESH_PER_MINUTE: '4',
      TRUSTED_PROXIES: '127.0.0.1',
      ...env,
    },
    {
      intervals: {
        providerGoodMs: 500,
        providerBadMs: 200,
        databaseGoodMs: 500,
        databaseBadMs: 200,
        redisGoodMs: 500,
        redisBadMs: 100,
        redisCommandMs,
      },
    },
  );

/** The same, as soon as it uses Redis. */
async function connected(...given: Parameters<typeof replica>): Promise<RunningServer> {
  const server = await replica(...given);
  await until('Redis', async () => (await redisIs(server)) === 'ok');
  return server;
}

async function healthOf(server: RunningServer): Promise<{auth: string; redis: string; status: number}> {
  const answer = await fetch(`${server.url}/health/auth`);
  return {...((await answer.json()) as {auth: string; redis: string}), status: answer.status};
}

const redisIs = async (server: RunningServer): Promise<string> => (await healthOf(server)).redis;

/** What is wrong with Redis, by the metric. */
async function fault(server: RunningServer): Promise<string | undefined> {
  const text = await metricsOf(server);
  return /dependency_error\{dependency="redis",reason="(\w+)"\} 1/.exec(text)?.[1];
}

/** Its health as soon as it serves: on a busy machine the first look at the database may be late. */
async function healthOnceServing(server: RunningServer): Promise<Awaited<ReturnType<typeof healthOf>>> {
  let health = await healthOf(server);
  await until('its service', async () => (health = await healthOf(server)).status === 200);
  return health;
}

/** Nothing but Redis is amiss. */
const ONLY_REDIS_IS_AWAY = {
  status: 200,
  auth: 'degraded',
  oauth_provider: 'ok',
  db: 'ok',
  redis: 'error',
};

let addresses = 0;
/** An address that nobody has used yet. */
const newAddress = (): string => `198.51.100.${(addresses += 1)}`;

const post = (server: RunningServer, path: string, from: string, body: unknown = {}): Promise<Response> =>
  fetch(server.url + path, {
    method: 'POST',
    headers: {'content-type': 'application/json', 'x-forwarded-for': from},
    body: JSON.stringify(body),
  });

async function statuses(times: number, ask: (index: number) => Promise<Response>): Promise<number[]> {
  const answers: number[] = [];
  for (let i = 0; i < times; i++) answers.push((await ask(i)).status);
  return answers;
}

const many = (times: number, status: number): number[] => Array.from({length: times}, () => status);
const inTurn = (index: number): RunningServer => (index % 2 === 0 ? a : b);

let users = 0;
const newSession = (): Promise<HeldSession> =>
  holdSession(a, {subject: `user-${(users += 1)}`, email: `user-${users}@example.com`});

async function looks(server: RunningServer): Promise<Record<string, number>> {
  const text = await metricsOf(server);
  const found = text.matchAll(/^fraiseql_auth_session_cache_total\{outcome="(\w+)"\} (\d+)$/gm);
  return Object.fromEntries([...found].map(([, outcome, count]) => [outcome, Number(count)]));
}

/**
 * A session that b took from Redis, and what it found there: what a read leaves there must be a little younger than b's
 * feed to be believed.
 */
async function sharedSession(): Promise<HeldSession & {readonly key: string; readonly entry: string}> {
  let held = await newSession();
  let there: {key: string; entry: string} | undefined;
  await until('a hit', async () => {
    held = await newSession();
    const hits = (await looks(b))['hit'] ?? 0;
    expect(await verifyStatus(a, held)).toBe(200);
    there = await entryLike((key) => key.endsWith(`:session:${held.id}`));
    if (there === undefined) return false;
    expect(await verifyStatus(b, held)).toBe(200);
    return ((await looks(b))['hit'] ?? 0) > hits;
  });
  return {...held, key: '', entry: '', ...there};
}

/** What Redis holds under such a key, as soon as it is there. What is read while the feed is late is not written down. */
async function entryLike(fits: (key: string) => boolean): Promise<{key: string; entry: string} | undefined> {
  const deadline = performance.now() + 2_000;
  while (performance.now() < deadline) {
    const found = Object.entries(await redis.dump()).find(([key]) => fits(key));
    if (found !== undefined) return {key: found[0], entry: found[1]};
    await delay(25);
  }
  return undefined;
}

describe('the limits', () => {
  it('of an address hold for all replicas together', async () => {
    const from = newAddress();
    const logout = (index: number): Promise<Response> => post(inTurn(index), '/auth/logout', from);
    expect(await statuses(4, logout)).toEqual(many(4, 204));
    expect((await post(a, '/auth/logout', from)).status).toBe(429);
    const refused = await post(b, '/auth/logout', from);
    expect(refused.status).toBe(429);
    expect(refused.headers.get('retry-after')).toMatch(/^1?\d$/);
    expect((await post(b, '/auth/logout', newAddress())).status).toBe(204);
  });

  it('of failed logins as well', async () => {
    const op = await startHostileProvider('auth-server', CLIENT_SECRET);
    onTestFinished(() => op.close());
    const own = {OIDC_ISSUER_URL: op.issuer};
    const [one, other] = await Promise.all([connected(own), connected(own)]);
    const from = newAddress();
    const fail = (index: number): Promise<Response> => deniedLogin(index % 2 === 0 ? one : other, from);
    expect(await statuses(6, fail)).toEqual([...many(5, 401), 429]);
    for (const server of [one, other]) {
      const answer = await post(server, '/auth/start', from);
      expect([answer.status, Number(answer.headers.get('retry-after')) > 600]).toEqual([429, true]);
    }
  });

  it('of a session follow it from replica to replica', async () => {
    const held = await newSession();
    let token = held.refresh;
    const refresh = async (index: number): Promise<Response> => {
      const answer = await post(inTurn(index), '/auth/refresh', '192.0.2.1', {refresh_token: token});
      if (answer.status === 200)
        token = ((await answer.clone().json()) as {refresh_token: string}).refresh_token;
      return answer;
    };
    expect(await statuses(6, refresh)).toEqual([...many(4, 200), 429, 429]);
    // Refused is not used up.
    await redis.client.flushall();
    expect((await refresh(0)).status).toBe(200);
  });
});

describe('while Redis is away', () => {
  it('everything goes on, each replica counts for itself, health, metric and log say so, and it comes back', async () => {
    const held = await newSession();
    const from = newAddress();
    const logout = (server: RunningServer) => () => post(server, '/auth/logout', from);
    expect(await statuses(2, logout(a))).toEqual(many(2, 204));
    await redis.stop();
    await until('both know', async () => (await redisIs(a)) === 'error' && (await redisIs(b)) === 'error');
    expect(await healthOnceServing(a)).toEqual(ONLY_REDIS_IS_AWAY);
    const metrics = await metricsOf(a);
    expect(metrics).toContain('fraiseql_auth_dependency_up{dependency="redis"} 0');
    expect(metrics).toContain('fraiseql_auth_dependency_error{dependency="redis",reason="unreachable"} 1');
    expect(stack.logs.join('')).toContain('"dependency":"redis","fault":"unreachable"');

    expect(await verifyStatus(b, held)).toBe(200);
    expect((await post(b, '/auth/start', from)).status).toBe(200);
    const answer = await post(a, '/auth/refresh', from, {refresh_token: held.refresh});
    expect(answer.status).toBe(200);
    // What this replica let pass it remembers; the other one has not seen this address.
    expect(await statuses(3, logout(a))).toEqual([...many(2, 204), 429]);
    expect(await statuses(5, logout(b))).toEqual([...many(4, 204), 429]);

    await redis.start();
    await until('it is used again', async () => (await redisIs(b)) === 'ok');
    const other = newAddress();
    await post(b, '/auth/logout', other);
    expect(Object.keys(await redis.dump()).filter((key) => key.includes(other))).toHaveLength(1);
  });

  it('or does not answer, nobody waits for it', async () => {
    const held = await newSession();
    const silent = await startFaultProxy(redis.port);
    onTestFinished(() => silent.close());
    const usual = await connected({REDIS_URL: redis.urlAt(silent.port)}, INTERVALS.redisCommandMs);
    silent.mute(true);
    const times: number[] = [];
    let token = held.refresh;
    for (let i = 0; i < 4; i++) {
      const before = performance.now();
      const answer = await post(usual, '/auth/refresh', '192.0.2.1', {refresh_token: token});
      times.push(performance.now() - before);
      expect(answer.status).toBe(200);
      token = ((await answer.json()) as {refresh_token: string}).refresh_token;
    }
    // The first one waits for the deadline; then the breaker is open.
    expect(Math.max(...times)).toBeLessThan(8_000);
    expect(Math.min(...times)).toBeLessThan(1_000);
    await until('it is known', async () => (await redisIs(usual)) === 'error');
    expect(stack.logs.join('')).toContain('"dependency":"redis","fault":"timeout"');
  });

  it('a server starts without it, and finds it later', async () => {
    await redis.stop();
    const late = await replica();
    expect(await healthOnceServing(late)).toEqual(ONLY_REDIS_IS_AWAY);
    await redis.start();
    await until('found', async () => (await redisIs(late)) === 'ok');
  });

  it('a wrong password is told apart, and never printed', async () => {
    const wrong = await replica({REDIS_URL: `redis://:not-the-password@127.0.0.1:${redis.port}`});
    await until('its word', async () => (await fault(wrong)) === 'authentication_failed');
    expect(stack.logs.join('')).not.toContain('not-the-password');
  });
});

describe('a session that one replica read', () => {
  it('is known to the others without a read of the database, and Redis holds nothing that anybody could use', async () => {
    const held = await sharedSession();
    const {entry} = held;
    expect(entry).toMatch(/^[\w-]{100,}$/);
    const all = JSON.stringify(await redis.dump());
    for (const secret of [held.access, held.refresh, held.userId, '@example.com'])
      expect(all).not.toContain(secret);
  });

  it('is refused everywhere when it has ended, though the entry is still there, or put back', async () => {
    const held = await sharedSession();
    const {key, entry} = held;
    expect((await post(a, '/auth/logout', newAddress(), {refresh_token: held.refresh})).status).toBe(204);
    await until('refused by b', async () => (await verifyStatus(b, held)) === 401);
    await redis.client.set(key, entry);
    for (const server of [a, b]) expect(await verifyStatus(server, held)).toBe(401);

    // Nor does one believe it that was not there to hear of the end.
    const late = await replica();
    await until('its feed', async () =>
      (await metricsOf(late)).includes('fraiseql_auth_revocation_feed_up 1'),
    );
    expect(await verifyStatus(late, held)).toBe(401);
    expect(await looks(late)).not.toHaveProperty('hit');
  });

  it('cannot be made up by who can write to Redis', async () => {
    const [held, other] = [await newSession(), await sharedSession()];
    const {key, entry} = other;
    const forged = key.replace(other.id, held.id);
    await a.services.sessions.revoke(held.id);
    for (const text of [
      entry,
      'nonsense',
      Buffer.from(JSON.stringify({session: {id: held.id}})).toString('base64url'),
    ]) {
      await redis.client.set(forged, text);
      expect(await verifyStatus(b, held)).toBe(401);
    }
  });

  it('of a browser is known by its cookie', async () => {
    await until('a hit', async () => {
      const {secret} = await a.services.sessions.create(
        {
          provider: 'oidc',
          issuer: 'https://id.example.com',
          subject: 'browser',
          email: undefined,
          name: undefined,
        },
        'cookie',
      );
      const ask = (server: RunningServer): Promise<Response> =>
        fetch(`${server.url}/auth/verify`, {headers: {cookie: `fraiseql-session=${secret}`}});
      expect((await ask(a)).status).toBe(200);
      if ((await entryLike((key) => key.includes(':cookie:'))) === undefined) return false;
      const hits = (await looks(b))['hit'] ?? 0;
      expect((await ask(b)).status).toBe(200);
      expect(JSON.stringify(await redis.dump())).not.toContain(secret);
      await redis.client.flushall();
      return ((await looks(b))['hit'] ?? 0) > hits;
    });
  });

  it('stays in the database without STATE_KEY, and limits are shared all the same', async () => {
    const unsealed = await connected({STATE_KEY: ''});
    const held = await newSession();
    expect(await verifyStatus(unsealed, held)).toBe(200);
    expect(await looks(unsealed)).toEqual({});
    const from = newAddress();
    await post(unsealed, '/auth/logout', from);
    expect(Object.keys(await redis.dump()).some((key) => key.endsWith(`limit:logout:${from}`))).toBe(true);
  });
});

describe('over TLS', () => {
  const directory = mkdtempSync(join(tmpdir(), 'redis-tls-'));
  const certificate = selfSigned(directory, 'redis.test');
  let encrypted: TestRedis;
  beforeAll(async () => {
    encrypted = await startRedis(certificate);
  });
  afterAll(async () => {
    await encrypted.close();
    rmSync(directory, {recursive: true});
  });

  it('replicas share it, where REDIS_CA holds who signed its certificate', async () => {
    const [c, d] = await Promise.all([
      connected({REDIS_URL: encrypted.url, REDIS_CA_FILE: certificate.certPath}),
      // However the scheme is spelled, nothing goes unencrypted.
      connected({REDIS_URL: encrypted.url.replace('rediss', 'REDISS'), REDIS_CA: certificate.cert}),
    ]);
    const from = newAddress();
    const logout = (server: RunningServer) => () => post(server, '/auth/logout', from);
    expect(await statuses(4, logout(c))).toEqual(many(4, 204));
    expect(await statuses(1, logout(d))).toEqual([429]);
  });

  it.each<[string, () => NodeJS.ProcessEnv, string]>([
    ['nobody is named who signed it', () => ({REDIS_URL: encrypted.url}), 'certificate_invalid'],
    [
      'its certificate is for another host',
      () => ({
        REDIS_URL: encrypted.url.replace('127.0.0.1', 'localhost'),
        REDIS_CA: certificate.cert,
      }),
      'certificate_invalid',
    ],
    [
      'Redis speaks none',
      () => ({REDIS_URL: redis.url.replace('redis:', 'rediss:'), REDIS_CA: certificate.cert}),
      'timeout',
    ],
  ])('the service goes on without it, and says why: %s', async (_, env, reason) => {
    const server = await replica(env());
    await until('its word', async () => (await fault(server)) === reason);
    expect(await healthOnceServing(server)).toEqual(ONLY_REDIS_IS_AWAY);
    expect((await post(server, '/auth/logout', newAddress())).status).toBe(204);
  });
});
