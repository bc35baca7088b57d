// Every connection of the pool stands, for a lock, and the database is well.
import {afterAll, beforeAll, expect, it} from 'vitest';
import {Client} from 'pg';
import {holdSession} from '../../support/server/sessions.ts';
import {startStack, type Stack} from '../../support/server/stack.ts';

let stack: Stack;
beforeAll(async () => {
  stack = await startStack();
});
afterAll(() => stack.close());

it('does not make the database count as away', async () => {
  const server = await stack.server({DATABASE_POOL_SIZE: '3'});
  const held = await Promise.all(['a', 'b', 'c'].map((subject) => holdSession(server, {subject})));
  const holder = new Client(stack.database.url);
  await holder.connect();
  await holder.query('BEGIN; LOCK TABLE _system.sessions IN ACCESS EXCLUSIVE MODE');
  const waiting = held.map(
    async ({access}) =>
      (await fetch(`${server.url}/auth/verify`, {headers: {authorization: `Bearer ${access}`}})).status,
  );
  const until = Date.now() + 4_600;
  const seen: number[] = [];
  while (Date.now() < until) {
    seen.push((await fetch(`${server.url}/health/auth`)).status);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  await holder.query('ROLLBACK');
  await holder.end();
  // A busy machine may be late for one look at the database; were it the pool that looks, it would be late for all.
  expect(seen.slice(-10)).toContain(200);
  await Promise.all(waiting);
});
