// What replicas share through Redis: the limits. And that nothing depends on it.
import {afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished} from 'vitest';
import {INTERVALS} from '../../../src/server/intervals.ts';
import type {RunningServer} from '../../../src/server/server.ts';
import {startFaultProxy} from '../../support/fault-proxy.ts';
import {startHostileProvider} from '../../support/server/hostile-provider.ts';
import {metricsOf} from '../../support/server/metrics.ts';
import {holdSession, verifyStatus, type HeldSession} from '../../support/server/sessions.ts';
import {CLIENT_SECRET, until} from '../../support/server/stack.ts';
import {deniedLogin} from './support/denied-login.ts';
import {
  fault,
  healthOnceServing,
  many,
  newAddress,
  ONLY_REDIS_IS_AWAY,
  post,
  redisIs,
  Sharing,
  statuses,
} from './support/sharing.ts';

let sharing: Sharing;
let a: RunningServer;
let b: RunningServer;
beforeAll(async () => {
  sharing = await Sharing.start();
  ({a, b} = sharing);
});
afterEach(() => sharing.anew());
afterAll(() => sharing.close());

const inTurn = (index: number): RunningServer => (index % 2 === 0 ? a : b);

let users = 0;
const newSession = (): Promise<HeldSession> =>
  holdSession(a, {subject: `user-${(users += 1)}`, email: `user-${users}@example.com`});

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
    const [one, other] = await Promise.all([sharing.connected(own), sharing.connected(own)]);
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
    await sharing.redis.client.flushall();
    expect((await refresh(0)).status).toBe(200);
  });
});

describe('while Redis is away', () => {
  it('everything goes on, each replica counts for itself, health, metric and log say so, and it comes back', async () => {
    const held = await newSession();
    const from = newAddress();
    const logout = (server: RunningServer) => () => post(server, '/auth/logout', from);
    expect(await statuses(2, logout(a))).toEqual(many(2, 204));
    await sharing.redis.stop();
    await until('both know', async () => (await redisIs(a)) === 'error' && (await redisIs(b)) === 'error');
    expect(await healthOnceServing(a)).toEqual(ONLY_REDIS_IS_AWAY);
    const metrics = await metricsOf(a);
    expect(metrics).toContain('fraiseql_auth_dependency_up{dependency="redis"} 0');
    expect(metrics).toContain('fraiseql_auth_dependency_error{dependency="redis",reason="unreachable"} 1');
    expect(sharing.stack.logs.join('')).toContain('"dependency":"redis","fault":"unreachable"');

    expect(await verifyStatus(b, held)).toBe(200);
    expect((await post(b, '/auth/start', from)).status).toBe(200);
    const answer = await post(a, '/auth/refresh', from, {refresh_token: held.refresh});
    expect(answer.status).toBe(200);
    // What this replica let pass it remembers; the other one has not seen this address.
    expect(await statuses(3, logout(a))).toEqual([...many(2, 204), 429]);
    expect(await statuses(5, logout(b))).toEqual([...many(4, 204), 429]);

    await sharing.redis.start();
    await until('it is used again', async () => (await redisIs(b)) === 'ok');
    const other = newAddress();
    await post(b, '/auth/logout', other);
    expect(Object.keys(await sharing.redis.dump()).filter((key) => key.includes(other))).toHaveLength(1);
  });

  it('or does not answer, nobody waits for it', async () => {
    const held = await newSession();
    const silent = await startFaultProxy(sharing.redis.port);
    onTestFinished(() => silent.close());
    const usual = await sharing.connected(
      {REDIS_URL: sharing.redis.urlAt(silent.port)},
      INTERVALS.redisCommandMs,
    );
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
    expect(sharing.stack.logs.join('')).toContain('"dependency":"redis","fault":"timeout"');
  });

  it('a server starts without it, and finds it later', async () => {
    await sharing.redis.stop();
    const late = await sharing.replica();
    expect(await healthOnceServing(late)).toEqual(ONLY_REDIS_IS_AWAY);
    await sharing.redis.start();
    await until('found', async () => (await redisIs(late)) === 'ok');
  });

  it('a wrong password is told apart, and never printed', async () => {
    const wrong = await sharing.replica({
      REDIS_URL: `redis://:not-the-password@127.0.0.1:${sharing.redis.port}`,
    });
    await until('its word', async () => (await fault(wrong)) === 'authentication_failed');
    expect(sharing.stack.logs.join('')).not.toContain('not-the-password');
  });
});
