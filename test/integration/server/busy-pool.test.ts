// Every connection of the pool stands, for a lock, and the database is well.
import {mkdtempSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {afterAll, beforeAll, expect, it} from 'vitest';
import {Client} from 'pg';
import type {RunningServer} from '../../../src/server/server.ts';
import {selfSigned} from '../../support/certificate.ts';
import {startPostgres, type TestPostgres} from '../../support/postgres.ts';
import {speakTls} from '../../support/postgres-tls.ts';
import {holdSession} from '../../support/server/sessions.ts';
import {migrate, serversOn, startStack, type Stack} from '../../support/server/stack.ts';

let stack: Stack;
let encrypted: TestPostgres;
const directory = mkdtempSync(join(tmpdir(), 'fraiseql-busy-'));
beforeAll(async () => {
  [stack, encrypted] = await Promise.all([startStack(), startPostgres()]);
  await migrate(encrypted.url);
});
afterAll(async () => {
  await Promise.all([stack.close(), encrypted.close()]);
  rmSync(directory, {recursive: true});
});

/** The health route's last answers of 4.6 s in which every connection of the pool, of which there are two, waits. */
async function healthWhileBusy(server: RunningServer, lockUrl: string): Promise<number[]> {
  const held = await Promise.all(['a', 'b', 'c'].map((subject) => holdSession(server, {subject})));
  const holder = new Client(lockUrl);
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
  await Promise.all(waiting);
  return seen.slice(-10);
}

// A busy machine may be late for one look at the database; were it the pool that looks, it would be late for all.
it('does not make the database count as away', async () => {
  const server = await stack.server({DATABASE_POOL_SIZE: '3'});
  expect(await healthWhileBusy(server, stack.database.url)).toContain(200);
});

it('does not where an authority of its own vouches for the database either', async () => {
  const own = selfSigned(directory, 'database');
  await speakTls(encrypted, own);
  const servers = serversOn(encrypted.url, stack.provider.issuer);
  const server = await servers.server({DATABASE_POOL_SIZE: '3', DATABASE_CA_FILE: own.certPath});
  const asAdministrator = new URL(encrypted.adminUrl);
  asAdministrator.pathname = '/fraiseql';
  expect(await healthWhileBusy(server, asAdministrator.href)).toContain(200);
  await servers.stop();
});
