// The database answers and takes no writes for longer than the replay window: nobody who lost an answer meanwhile is
// logged out when it takes them again.
import {setTimeout as delay} from 'node:timers/promises';
import {Client} from 'pg';
import {afterAll, beforeAll, beforeEach, expect, it} from 'vitest';
import type {RunningServer} from '../../../src/server/server.ts';
import {startPostgres, type TestPostgres} from '../../support/postgres.ts';
import {holdSession, verifyStatus, type HeldSession} from '../../support/server/sessions.ts';
import {startStack, until, type Stack} from '../../support/server/stack.ts';

let postgres: TestPostgres;
let stack: Stack;
let server: RunningServer;
let held: HeldSession;

beforeAll(async () => {
  postgres = await startPostgres();
  stack = await startStack(postgres);
  server = await stack.server({REFRESH_REPLAY_WINDOW: '2'});
});
afterAll(() => stack.close());

const present = async (): Promise<number> => {
  const {status} = await fetch(`${server.url}/auth/refresh`, {
    method: 'POST',
    headers: {'content-type': 'application/json'},
    body: JSON.stringify({refresh_token: held.refresh}),
  });
  return status;
};
const health = async (): Promise<unknown> => (await fetch(`${server.url}/health/auth`)).json();
const reason = async (): Promise<string | undefined> =>
  /dependency_error\{dependency="database:write",reason="(.*)"\} 1/.exec(
    await (await fetch(`${server.url}/metrics`)).text(),
  )?.[1];

beforeEach(async () => {
  held = await holdSession(server, {subject: 'patient'});
  // The answer to this one is lost.
  if ((await present()) !== 200) throw new Error('it was not refreshed');
});

it('because it is read-only', async () => {
  await postgres.asSuperuser('ALTER SYSTEM SET default_transaction_read_only = on');
  await postgres.asSuperuser('SELECT pg_reload_conf()');
  await until('that is seen', async () => (await reason()) === 'read_only');
  await delay(3_000);
  expect(await present()).toBe(503);
  expect(await health()).toEqual({auth: 'degraded', oauth_provider: 'ok', db: 'ok'});
  expect(await verifyStatus(server, held)).toBe(200);

  const administrator = new Client({
    connectionString: postgres.adminUrl,
    options: '-c default_transaction_read_only=off',
  });
  await administrator.connect();
  await administrator.query('ALTER SYSTEM RESET default_transaction_read_only');
  await administrator.query('SELECT pg_reload_conf()');
  await administrator.end();
  await until('it takes writes again', async () => (await present()) !== 503);
  expect(await present()).toBe(200);
  await until('that is said', async () => (await reason()) === undefined);
  expect(await health()).toEqual({auth: 'healthy', oauth_provider: 'ok', db: 'ok'});
});

it('because somebody holds the table of the sessions', async () => {
  const holder = new Client(stack.database.url);
  await holder.connect();
  await holder.query('BEGIN; LOCK TABLE _system.sessions IN ACCESS EXCLUSIVE MODE');
  // Its statement ends by its limit of 5 s.
  expect(await present()).toBe(503);
  expect(await reason()).toBe('timeout');
  expect(server.services.health.database.state).toBe('up');
  await holder.end();
  expect(await present()).toBe(200);
});
