import {spawn} from 'node:child_process';
import {cp, mkdtemp, rm, writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {afterAll, beforeAll, expect, it} from 'vitest';
import {migrateDatabase, MIGRATIONS_DIRECTORY} from '../../../src/database/migrate.ts';
import {SCHEMA_VERSION} from '../../../src/database/version.ts';
import {startPostgres, type TestPostgres} from '../../support/postgres.ts';
import {startProgram} from '../../support/program.ts';
import {dumpSchema, migration} from './fixtures.ts';

const NEXT = String(Number(SCHEMA_VERSION) + 1);
const NAME = `${NEXT.padStart(4, '0')}_last`;

let postgres: TestPostgres;
let directory: string;
beforeAll(async () => {
  postgres = await startPostgres();
  directory = await mkdtemp(join(tmpdir(), 'migrations-'));
  await cp(MIGRATIONS_DIRECTORY, directory, {recursive: true});
});
afterAll(async () => {
  await postgres.close();
  await rm(directory, {recursive: true});
});

it('a process killed half-way leaves the state before, and the next run goes on within seconds', async () => {
  const url = await postgres.createDatabase();
  const last = join(directory, `${NAME}.sql`);
  await writeFile(last, 'CREATE TABLE _system.last (); SELECT pg_sleep(600);');
  const script = `
    import {migrateDatabase} from ${JSON.stringify(join(import.meta.dirname, '../../../src/database/migrate.ts'))};
    import {migration} from ${JSON.stringify(join(import.meta.dirname, 'fixtures.ts'))};
    await migrateDatabase(migration(${JSON.stringify(url)}, {directory: ${JSON.stringify(directory)}, timeoutMs: 900_000}));`;
  const child = spawn(process.execPath, ['--input-type=module', '--eval', script], {stdio: 'ignore'});
  await expect.poll(sleeping, {timeout: 20_000}).toBe(1);
  child.kill('SIGKILL');
  await expect(dumpSchema(postgres, url)).toMatchFileSnapshot('./schema.snapshot.sql');

  await writeFile(last, 'CREATE TABLE _system.last ();');
  // The server notices that the first is gone, takes its work back and frees the lock.
  const result = await migrateDatabase(migration(url, {directory, timeoutMs: 15_000}));
  expect(result).toEqual({from: SCHEMA_VERSION, schema: NEXT, applied: [NAME]});
});

it('SIGTERM ends a migration that waits, and its outcome says so', async () => {
  const url = await postgres.createDatabase();
  await postgres.asSuperuser(`ALTER ROLE fraiseql_app CONNECTION LIMIT 0`);
  try {
    const {child, ended} = await startProgram(['db', 'migrate'], {
      DATABASE_URL: url,
      MIGRATION_WAIT_SECONDS: '60',
    });
    await new Promise((resolve) => child.stdout.once('data', resolve));
    child.kill('SIGTERM');
    const {code, outcome} = await ended;
    expect(code).toBe(1);
    expect(outcome).toMatchObject({ok: false, kind: 'migrate', message: expect.stringContaining('SIGTERM')});
  } finally {
    await postgres.asSuperuser(`ALTER ROLE fraiseql_app CONNECTION LIMIT -1`);
  }
});

async function sleeping(): Promise<number> {
  const {rows} = await postgres.asSuperuser(
    `SELECT count(*)::int AS found FROM pg_stat_activity WHERE wait_event = 'PgSleep'`,
  );
  return (rows[0] as {found: number}).found;
}
