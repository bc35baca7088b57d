// The answer to a refresh is lost because the database goes away, and the database is away for longer than the replay
// window: the client's next try is no reuse.
import {setTimeout as delay} from 'node:timers/promises';
import {Client} from 'pg';
import {afterAll, beforeAll, expect, it} from 'vitest';
import type {RunningServer} from '../../../src/server/server.ts';
import {hashOf} from '../../../src/server/sessions/secrets.ts';
import type {FaultProxy} from '../../support/fault-proxy.ts';
import type {Tokens} from '../../support/login.ts';
import {holdSession} from '../../support/server/sessions.ts';
import {startStack, until, type Stack} from '../../support/server/stack.ts';

let stack: Stack;
let network: FaultProxy;
let server: RunningServer;

beforeAll(async () => {
  stack = await startStack();
  ({server, network} = await stack.cutOff({REFRESH_REPLAY_WINDOW: '2'}));
});
afterAll(() => stack.close());

const present = (token: string): Promise<Response> =>
  fetch(`${server.url}/auth/refresh`, {
    method: 'POST',
    headers: {'content-type': 'application/json'},
    body: JSON.stringify({refresh_token: token}),
  });

/** The token is presented, and its rotation waits in the database until it may go on. */
async function underWay(token: string): Promise<{lost: Promise<Response>; goOn: () => Promise<void>}> {
  const {database} = stack;
  const holder = new Client(database.url);
  await holder.connect();
  await holder.query('BEGIN; LOCK TABLE _system.sessions IN SHARE MODE');
  const lost = present(token);
  await until('the rotation waits', async () => {
    const {rows} = await database.asSuperuser(
      `SELECT 1 FROM pg_locks JOIN pg_stat_activity USING (pid)
        WHERE NOT granted AND relation = '_system.sessions'::regclass AND query LIKE '%refresh_history%'`,
    );
    return rows.length > 0;
  });
  return {lost, goOn: () => holder.end()};
}

it('an outage does not count into the replay window, and the time after it does', async () => {
  const {id, refresh: token} = await holdSession(server, {subject: 'patient'});
  const current = async (): Promise<unknown> =>
    (await stack.database.asSuperuser(`SELECT refresh_token_hash FROM _system.sessions WHERE id = '${id}'`))
      .rows[0]?.['refresh_token_hash'];

  const {lost, goOn} = await underWay(token);
  network.mute(true);
  await goOn();
  await until('the rotation is committed', async () => (await current()) !== hashOf(token));
  network.refuse(true);
  network.reset();
  expect((await lost).status).toBe(503);
  await until('the outage is seen', () => server.services.health.database.state === 'down');
  await delay(3_000);
  expect((await present(token)).status).toBe(503);

  network.mute(false);
  network.refuse(false);
  await until('the database is back', () => server.services.health.database.state === 'up');
  const again = await present(token);
  expect(again.status).toBe(200);
  const successor = ((await again.json()) as Tokens).refresh_token;
  expect(hashOf(successor)).toBe(await current());

  await delay(2_200);
  expect((await present(token)).status).toBe(401);
  expect((await present(successor)).status).toBe(401);
  expect(stack.audit().filter(({event}) => event === 'session_reuse_detected')).toMatchObject([
    {session: id},
  ]);
});
