import {cp, mkdtemp, rm, writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {Client} from 'pg';
import {afterAll, beforeAll, describe, expect, it} from 'vitest';
import {migrateDatabase, MIGRATIONS_DIRECTORY} from '../../../src/database/migrate.ts';
import {MIGRATION_LOCK} from '../../../src/database/schema.ts';
import {SCHEMA_VERSION} from '../../../src/database/version.ts';
import {startPostgres, type TestPostgres} from '../../support/postgres.ts';
import {runProgram} from '../../support/program.ts';
import {dumpSchema, migration} from './fixtures.ts';

let postgres: TestPostgres;
let directory: string;
beforeAll(async () => {
  postgres = await startPostgres();
  directory = await mkdtemp(join(tmpdir(), 'migrations-'));
});
afterAll(async () => {
  await postgres.close();
  await rm(directory, {recursive: true});
});

/** The version after the newest, and how the names of its files begin. */
const NEXT = String(Number(SCHEMA_VERSION) + 1);
const PREFIX = NEXT.padStart(4, '0');

/** The migrations, and one more after them. */
async function withOneMore(name: string, sql: string): Promise<string> {
  const target = await mkdtemp(join(directory, 'more-'));
  await cp(MIGRATIONS_DIRECTORY, target, {recursive: true});
  await writeFile(join(target, `${PREFIX}_${name}.sql`), sql);
  return target;
}

async function query(url: string, sql: string): Promise<unknown[]> {
  const client = new Client({connectionString: url});
  await client.connect();
  try {
    return (await client.query(sql)).rows;
  } finally {
    await client.end();
  }
}

describe('migrateDatabase', () => {
  it('makes the schema that is committed beside this test', async () => {
    const url = await postgres.createDatabase();
    const result = await migrateDatabase(migration(url));
    expect(result).toMatchObject({from: '0', schema: SCHEMA_VERSION});
    expect(result.applied).toHaveLength(Number(SCHEMA_VERSION));
    await expect(dumpSchema(postgres, url)).toMatchFileSnapshot('./schema.snapshot.sql');
  });

  it('does nothing the second time, and needs no right to create then', async () => {
    const url = await postgres.createDatabase();
    await migrateDatabase(migration(url));
    const database = new URL(url).pathname.slice(1);
    await postgres.asSuperuser(`ALTER SCHEMA _system OWNER TO postgres`, database);
    await postgres.asSuperuser(`GRANT USAGE ON SCHEMA _system TO fraiseql_app`, database);
    const before = dumpSchema(postgres, url);
    expect(await migrateDatabase(migration(url))).toEqual({
      from: SCHEMA_VERSION,
      schema: SCHEMA_VERSION,
      applied: [],
    });
    expect(dumpSchema(postgres, url)).toBe(before);
  });

  it('five processes at once: one works, all succeed', async () => {
    const url = await postgres.createDatabase();
    const runs = await Promise.all(
      Array.from({length: 5}, () => runProgram(['db', 'migrate'], {DATABASE_URL: url})),
    );
    expect(runs.map(({code}) => code)).toEqual([0, 0, 0, 0, 0]);
    const applied = runs.flatMap(({outcome}) => (outcome?.ok ? (outcome.detail['applied'] as string[]) : []));
    expect(applied).toHaveLength(Number(SCHEMA_VERSION));
  });

  it('waits for one that is at work', async () => {
    const url = await postgres.createDatabase();
    const slow = await withOneMore('slow', 'SELECT pg_sleep(1); CREATE TABLE _system.slow ();');
    const [one, two] = await Promise.all([
      migrateDatabase(migration(url, {directory: slow})),
      migrateDatabase(migration(url, {directory: slow})),
    ]);
    expect(one.applied.length + two.applied.length).toBe(Number(NEXT));
    expect(one.applied.length * two.applied.length).toBe(0);
  });

  it('a migration that fails leaves all before it and nothing of itself', async () => {
    const url = await postgres.createDatabase();
    const broken = await withOneMore('broken', 'CREATE TABLE _system.half (); SELECT 1 / 0;');
    await expect(migrateDatabase(migration(url, {directory: broken}))).rejects.toMatchObject({
      reason: 'MigrationFailed',
      message: expect.stringContaining('division by zero'),
    });
    await expect(dumpSchema(postgres, url)).toMatchFileSnapshot('./schema.snapshot.sql');
    const mended = await withOneMore('broken', 'CREATE TABLE _system.half ();');
    expect(await migrateDatabase(migration(url, {directory: mended}))).toEqual({
      from: SCHEMA_VERSION,
      schema: NEXT,
      applied: [`${PREFIX}_broken`],
    });
  });

  it('a schema of a later version is left alone, and is good enough: one can go back', async () => {
    const url = await postgres.createDatabase();
    const newer = await withOneMore('newer', 'CREATE TABLE _system.newer ();');
    await migrateDatabase(migration(url, {directory: newer}));
    const before = dumpSchema(postgres, url);
    expect(await migrateDatabase(migration(url))).toEqual({from: NEXT, schema: NEXT, applied: []});
    expect(dumpSchema(postgres, url)).toBe(before);
  });

  it('one of a later version that lacks what ours needs is refused', async () => {
    const url = await postgres.createDatabase();
    const newer = await withOneMore('newer', 'CREATE TABLE _system.newer ();');
    await migrateDatabase(migration(url, {directory: newer}));
    await query(url, `DELETE FROM _system.schema_migrations WHERE name LIKE '0003%'`);
    await expect(migrateDatabase(migration(url))).rejects.toMatchObject({
      reason: 'MigrationFailed',
      message: expect.stringContaining(`${PREFIX}_newer`),
    });
  });

  it('refuses a history that is not its own', async () => {
    const url = await postgres.createDatabase();
    await migrateDatabase(migration(url));
    await query(url, `UPDATE _system.schema_migrations SET name = '0002_other' WHERE name LIKE '0002%'`);
    await expect(migrateDatabase(migration(url))).rejects.toMatchObject({
      reason: 'MigrationFailed',
      message: expect.stringContaining('0002_other'),
    });
  });

  it('ends in time, and its statement with it', async () => {
    const url = await postgres.createDatabase();
    const endless = await withOneMore('endless', 'CREATE TABLE _system.endless (); SELECT pg_sleep(600);');
    const started = performance.now();
    await expect(
      migrateDatabase(migration(url, {directory: endless, timeoutMs: 1_000})),
    ).rejects.toMatchObject({
      reason: 'MigrationTimedOut',
      hint: expect.stringContaining('MIGRATION_TIMEOUT_SECONDS'),
    });
    expect(performance.now() - started).toBeLessThan(15_000);
    await expect.poll(() => busyBackends(url), {timeout: 20_000}).toBe(0);
    await expect(dumpSchema(postgres, url)).toMatchFileSnapshot('./schema.snapshot.sql');
  });

  it('does not wait for ever for another’s lock', async () => {
    const url = await postgres.createDatabase();
    const other = new Client({connectionString: url});
    await other.connect();
    try {
      await other.query(`SELECT pg_advisory_lock(${MIGRATION_LOCK})`);
      await expect(migrateDatabase(migration(url, {timeoutMs: 500}))).rejects.toMatchObject({
        reason: 'MigrationTimedOut',
      });
    } finally {
      await other.end();
    }
    expect(await migrateDatabase(migration(url))).toMatchObject({schema: SCHEMA_VERSION});
  });

  it('gives way to a transaction that holds a table, and names it', async () => {
    const url = await postgres.createDatabase();
    await migrateDatabase(migration(url));
    const alter = await withOneMore('alter', 'ALTER TABLE _system.sessions ADD COLUMN more TEXT;');
    const holder = new Client({connectionString: url, application_name: 'reports'});
    await holder.connect();
    try {
      const {rows} = await holder.query('SELECT pg_backend_pid() AS pid');
      const {pid} = rows[0] as {pid: number};
      await holder.query('BEGIN; SELECT count(*) FROM _system.sessions');
      const run = migrateDatabase(migration(url, {directory: alter, timeoutMs: 60_000}));
      await expect(run).rejects.toMatchObject({
        reason: 'TableLocked',
        message: expect.stringMatching(
          new RegExp(
            `process ${pid} \\(role fraiseql_app, application reports, idle in transaction for \\d+ s\\)`,
          ),
        ),
        hint: expect.stringContaining(`SELECT pg_terminate_backend(${pid});`),
      });
    } finally {
      await holder.end();
    }
    await expect(dumpSchema(postgres, url)).toMatchFileSnapshot('./schema.snapshot.sql');
    expect(await migrateDatabase(migration(url, {directory: alter}))).toMatchObject({schema: NEXT});
  });

  it('an abort ends it at once', async () => {
    const url = await postgres.createDatabase();
    const endless = await withOneMore('endless', 'SELECT pg_sleep(600);');
    const abort = new AbortController();
    const working = migrateDatabase(migration(url, {directory: endless, signal: abort.signal}));
    const failure = working.then(
      () => undefined,
      (error: unknown) => error,
    );
    await expect.poll(() => busyBackends(url), {timeout: 20_000}).toBe(1);
    abort.abort(new Error('stopped'));
    expect(await failure).toMatchObject({message: expect.stringContaining('stopped')});
    await expect.poll(() => busyBackends(url), {timeout: 20_000}).toBe(0);
  });

  async function busyBackends(url: string): Promise<number> {
    const {rows} = await postgres.asSuperuser(
      `SELECT count(*)::int AS busy FROM pg_stat_activity
        WHERE datname = '${new URL(url).pathname.slice(1)}' AND state = 'active'
          AND wait_event = 'PgSleep' AND application_name LIKE 'fraiseql-auth%'`,
    );
    return (rows[0] as {busy: number}).busy;
  }
});
