// The network between this and the database says nothing any more, not even that a connection has ended.
import {mkdtempSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {setTimeout as delay} from 'node:timers/promises';
import {afterAll, afterEach, beforeAll, beforeEach, expect, it} from 'vitest';
import {createClient, createPool} from '../../../src/database/pool.ts';
import {startFaultProxy, type FaultProxy} from '../../support/fault-proxy.ts';
import {freePort} from '../../support/ports.ts';
import {startProgram, type RunningProgram} from '../../support/program.ts';
import {migrate, serverEnv, SIGNING_KEY, until} from '../../support/server/stack.ts';
import {startPostgres, type TestPostgres} from '../../support/postgres.ts';

let postgres: TestPostgres;
let network: FaultProxy;
const programs: RunningProgram[] = [];
const directory = mkdtempSync(join(tmpdir(), 'fraiseql-silence-'));

beforeAll(async () => {
  postgres = await startPostgres();
  await migrate(postgres.url);
});
beforeEach(async () => {
  network = await startFaultProxy(postgres.port);
});
afterEach(async () => {
  for (const {child} of programs.splice(0)) child.kill('SIGKILL');
  await network.close();
});
afterAll(async () => {
  await postgres.close();
  rmSync(directory, {recursive: true});
});

const begin = async (args: string[], env: NodeJS.ProcessEnv): Promise<RunningProgram> => {
  const program = await startProgram(args, env);
  programs.push(program);
  return program;
};

/** What it comes to, unless it takes longer than that. */
const soon = <T>(what: Promise<T>, ms = 30_000): Promise<T | 'too late'> =>
  Promise.race([what, delay(ms, 'too late' as const, {ref: false})]);

it('does not hold up who ends a connection, or a pool', async () => {
  const url = network.through(postgres.url);
  const client = createClient(url, {
    connectTimeoutMs: 5_000,
    statementTimeoutMs: 5_000,
    applicationName: 'test',
  });
  client.on('error', () => {});
  await client.connect();
  const pool = createPool({url, size: 1, maxLifetimeSeconds: 0});
  await pool.query('SELECT 1');
  network.silence();
  expect(await soon(Promise.all([client.end(), pool.end()]), 8_000)).not.toBe('too late');
});

it('does not keep a server that has stopped', async () => {
  const port = await freePort();
  const {child, ended} = await begin(['serve'], {
    ...serverEnv(network.through(postgres.url), 'http://127.0.0.1:1/'),
    PORT: String(port),
    JWT_SIGNING_KEY: SIGNING_KEY,
    DRAIN_SECONDS: '0',
  });
  await until('ready', async () => {
    const answer = await fetch(`http://127.0.0.1:${port}/health/auth`).catch(() => undefined);
    return answer?.status === 200;
  });
  network.silence();
  child.kill('SIGTERM');
  expect(await soon(ended)).toMatchObject({code: 0, output: expect.stringContaining('"stopped"') as string});
});

it('does not keep a backup past its time', async () => {
  const {ended} = await begin(['backup'], {
    DATABASE_URL: network.through(postgres.url),
    BACKUP_DESTINATION: `file://${directory}`,
    BACKUP_TIMEOUT_SECONDS: '6',
  });
  // The first is the one that holds the moment open, the second pg_dump's.
  await until('pg_dump has come', () => network.taken === 2);
  network.silence();
  expect(await soon(ended)).toMatchObject({code: 1, outcome: {ok: false, kind: 'backup'}});
});

it('does not keep a backup past its time whose pg_dump would have the server cancel what it waits for', async () => {
  const holder = createClient(postgres.url, {
    connectTimeoutMs: 5_000,
    statementTimeoutMs: 60_000,
    applicationName: 'holder',
  });
  await holder.connect();
  try {
    await holder.query('CREATE TABLE public.held ()');
    await holder.query('BEGIN; LOCK TABLE public.held');
    const {ended} = await begin(['backup'], {
      DATABASE_URL: network.through(postgres.url),
      BACKUP_DESTINATION: `file://${directory}`,
      BACKUP_TIMEOUT_SECONDS: '6',
    });
    await until('pg_dump waits', async () => {
      const {rows} = await holder.query<{waiting: string}>(
        `SELECT count(*) AS waiting FROM pg_locks WHERE NOT granted AND relation = 'public.held'::regclass`,
      );
      return rows[0]?.waiting === '1';
    });
    network.silence();
    expect(await soon(ended)).toMatchObject({code: 1, outcome: {ok: false, kind: 'backup'}});
  } finally {
    await holder.end();
  }
});
