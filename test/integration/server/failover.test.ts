// The database moves to its standby, the network is slow, and Redis is there all the while: what the contract says of an
// outage, and that the servers come through it by themselves.
import {afterAll, beforeAll, describe, expect, it} from 'vitest';
import type {RunningServer} from '../../../src/server/server.ts';
import {startFaultProxy, type FaultProxy} from '../../support/fault-proxy.ts';
import {startPostgres, type TestPostgres} from '../../support/postgres.ts';
import {startRedis, type TestRedis} from '../../support/redis.ts';
import {startStandby, type Standby} from '../../support/standby.ts';
import {holdSession, verifyStatus, type HeldSession} from '../../support/server/sessions.ts';
import {startStack, until, type Stack} from '../../support/server/stack.ts';

let primary: TestPostgres;
let standby: Standby;
let stack: Stack;
let redis: TestRedis;
/** What the servers know as the database. */
let network: FaultProxy;
let a: RunningServer;
let b: RunningServer;

beforeAll(async () => {
  [primary, redis] = await Promise.all([startPostgres({durable: true}), startRedis()]);
  stack = await startStack(primary);
  standby = await startStandby(primary);
  network = await startFaultProxy(primary.port);
  const replica = (): Promise<RunningServer> =>
    stack.server({DATABASE_URL: network.through(primary.url), REDIS_URL: redis.url});
  [a, b] = await Promise.all([replica(), replica()]);
  await until('both are well', async () => (await auth(a)) === 'healthy' && (await auth(b)) === 'healthy');
});
afterAll(async () => {
  await stack.close();
  await Promise.all([standby.close(), redis.close(), network.close()]);
});

async function auth(server: RunningServer): Promise<string> {
  return ((await (await fetch(`${server.url}/health/auth`)).json()) as {auth: string}).auth;
}

async function post(
  server: RunningServer,
  path: string,
  body: unknown,
): Promise<{status: number; token: string}> {
  const answer = await fetch(server.url + path, {
    method: 'POST',
    headers: {'content-type': 'application/json'},
    body: JSON.stringify(body),
  });
  const text = await answer.text();
  const {refresh_token: token = ''} = (text === '' ? {} : JSON.parse(text)) as {refresh_token?: string};
  return {status: answer.status, token};
}

let users = 0;
const newSession = (): Promise<HeldSession> => holdSession(a, {subject: `user-${(users += 1)}`});

describe('a slow network', () => {
  it('makes everything slow, and nothing wrong', async () => {
    const [held, leaving] = [await newSession(), await newSession()];
    network.slow(400);
    const [verified, refreshed, ended, begun] = await Promise.all([
      verifyStatus(b, held),
      post(a, '/auth/refresh', {refresh_token: held.refresh}),
      post(b, '/auth/logout', {refresh_token: leaving.refresh}),
      post(a, '/auth/start', {}),
    ]);
    expect([verified, refreshed.status, ended.status, begun.status]).toEqual([200, 200, 204, 200]);
    expect(await verifyStatus(b, leaving)).toBe(401);
    expect(await auth(a)).toBe('healthy');
    network.slow(0);
    expect((await post(b, '/auth/refresh', {refresh_token: refreshed.token})).status).toBe(200);
  });
});

describe('a failover of the database', () => {
  it('costs nobody the session, revives none, and needs no restart', async () => {
    const staying = await Promise.all(Array.from({length: 20}, newSession));
    const leaving = await newSession();
    for (const server of [a, b]) expect(await verifyStatus(server, leaving)).toBe(200);
    expect((await post(a, '/auth/logout', {refresh_token: leaving.refresh})).status).toBe(204);
    const entries = await redis.dump();

    // Each client goes on refreshing: a 503 is tried again, as a client does that was not told the token is bad.
    const move = {over: false};
    const wrong: number[] = [];
    const clients = staying.map(async ({refresh}, index) => {
      let token = refresh;
      for (let turn = index; !move.over || turn < 40; turn++) {
        const answer = await post(turn % 2 === 0 ? a : b, '/auth/refresh', {refresh_token: token});
        if (answer.status === 200) ({token} = answer);
        else if (answer.status !== 503) wrong.push(answer.status);
        await new Promise((resolve) => setTimeout(resolve, 25));
      }
      return token;
    });
    await primary.stop();
    network.reset();
    await until(
      'it is known',
      async () => (await auth(a)) === 'unhealthy' && (await auth(b)) === 'unhealthy',
    );
    await standby.promote();
    network.retarget(standby.port);
    await until(
      'both are well',
      async () => (await auth(a)) === 'healthy' && (await auth(b)) === 'healthy',
      30_000,
    );
    move.over = true;
    const tokens = await Promise.all(clients);

    expect(wrong).toEqual([]);
    for (const token of tokens)
      expect((await post(b, '/auth/refresh', {refresh_token: token})).status).toBe(200);
    // What Redis still has of the time before is of another server's clock, and believed by nobody.
    for (const [key, entry] of Object.entries(entries)) await redis.client.set(key, entry);
    for (const server of [a, b]) {
      expect(await verifyStatus(server, leaving)).toBe(401);
      for (const held of staying.slice(0, 3)) expect(await verifyStatus(server, held)).toBe(200);
    }
    const next = staying[0];
    if (next === undefined) throw new Error('there is no session');
    await a.services.sessions.revoke(next.id);
    await until('the feed works on the new server', async () => (await verifyStatus(b, next)) === 401, 5_000);
  });
});
