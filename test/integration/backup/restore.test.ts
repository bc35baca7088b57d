import {existsSync} from 'node:fs';
import {readFile, rm, truncate, writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import {gzipSync} from 'node:zlib';
import {createHash} from 'node:crypto';
import {Client} from 'pg';
import {afterAll, beforeAll, beforeEach, describe, expect, it} from 'vitest';
import {takeBackup} from '../../../src/backup/backup.ts';
import type {Manifest} from '../../../src/backup/manifest.ts';
import {restoreBackup} from '../../../src/backup/restore.ts';
import {migrateDatabase} from '../../../src/database/migrate.ts';
import {startPostgres, type TestPostgres} from '../../support/postgres.ts';
import {runProgram, startProgram} from '../../support/program.ts';
import {dumpSchema, migration} from '../database/fixtures.ts';
import {
  clockAt,
  contentOf,
  contextFor,
  databaseWith,
  DAY,
  fakeTool,
  nameOf,
  relationsIn,
  temporaryDirectory,
  until,
} from './fixtures.ts';

let postgres: TestPostgres;
let root: string;
let source: string;
let directory: string;
let target: string;
let older: Manifest;
let newest: Manifest;
beforeAll(async () => {
  postgres = await startPostgres();
  root = await temporaryDirectory();
  source = await databaseWith(postgres, 100);
});
afterAll(async () => {
  await postgres.close();
  await rm(root, {recursive: true});
});
beforeEach(async () => {
  directory = join(root, Math.random().toString(36).slice(2));
  target = await postgres.createDatabase();
  older = (await takeBackup(contextFor(source, directory, {clock: clockAt(Date.now() - DAY)}))).manifest;
  newest = (await takeBackup(contextFor(source, directory))).manifest;
});

const dataOf = (manifest: Manifest): string => join(directory, `${manifest.name}.sql.gz`);
const manifestOf = (manifest: Manifest): string => join(directory, `${manifest.name}.manifest.json`);

async function rewrite(manifest: Manifest, change: Partial<Manifest>): Promise<void> {
  await writeFile(manifestOf(manifest), JSON.stringify({...manifest, ...change}));
}

/** Replaces a backup's data, manifest and all, as who controls the storage could. */
async function replaceData(manifest: Manifest, sql: string, change: Partial<Manifest> = {}): Promise<void> {
  const data = gzipSync(sql);
  await writeFile(dataOf(manifest), data);
  const sha256 = createHash('sha256').update(data).digest('hex');
  await rewrite(manifest, {sizeBytes: data.length, sha256, ...change});
}

/** `fraiseql-auth restore` of the newest into the target, with the programs of that directory before all others. */
function startRestore(programs?: string): ReturnType<typeof startProgram> {
  return startProgram(['restore', '--from', newest.name], {
    DATABASE_URL: target,
    BACKUP_DESTINATION: `file://${directory}`,
    ...(programs !== undefined && {PATH: `${programs}:${process.env['PATH'] ?? ''}`}),
  });
}

describe('restore refuses', () => {
  /** What it says of itself, and what is in the target afterwards. */
  async function refusal(from: string): Promise<unknown> {
    const error = await restoreBackup(contextFor(target, directory), from).then(
      () => undefined,
      (failure: unknown) => failure,
    );
    const {reason, message, hint} = (error ?? {}) as Record<string, unknown>;
    return {reason, message, hint, left: await relationsIn(postgres, target)};
  }
  const refused = (reason: string, message: string): object => ({
    reason,
    message: expect.stringContaining(message) as string,
    hint: expect.stringMatching(/\S/) as string,
    left: 0,
  });

  it('a target that holds sessions already, as a process too', async () => {
    const before = await contentOf(postgres, source);
    const {code, outcome} = await runProgram(['restore', '--from', 'latest'], {
      DATABASE_URL: source,
      BACKUP_DESTINATION: `file://${directory}`,
      BACKUP_NAME_PREFIX: 'auth-prod',
    });
    expect(outcome).toMatchObject({ok: false, kind: 'restore', reason: 'RestoreTargetNotEmpty'});
    expect(code).toBe(1);
    expect(await contentOf(postgres, source)).toBe(before);
  });

  it('a name that is not there, and one that leads elsewhere', async () => {
    expect(await refusal('auth-prod_20200101_000000_00000000')).toEqual(
      refused('BackupNotFound', 'auth-prod_20200101'),
    );
    expect(await refusal('..')).toEqual(refused('BackupNotFound', '..'));
    expect(await refusal(`s3://other/${newest.name}.sql.gz`)).toEqual(refused('BackupNotFound', 'is not in'));
    expect(await refusal(`file:///elsewhere/${newest.name}.sql.gz`)).toEqual(
      refused('BackupNotFound', 'is not in'),
    );
  });

  it('latest, where there is none of this instance', async () => {
    const context = contextFor(target, directory, {instance: 'somebody'});
    await expect(restoreBackup(context, 'latest')).rejects.toMatchObject({
      reason: 'BackupNotFound',
      message: expect.stringMatching(/no good backup of somebody, but of auth-prod$/),
      hint: expect.stringContaining('BACKUP_NAME_PREFIX'),
    });
  });

  it('a directory that is not there, and does not make it', async () => {
    const elsewhere = join(root, 'not-mounted');
    await expect(restoreBackup(contextFor(target, elsewhere), 'latest')).rejects.toMatchObject({
      reason: 'BackupStorageUnavailable',
      message: expect.stringContaining('does not exist'),
    });
    expect(existsSync(elsewhere)).toBe(false);
  });

  it('a backup without a manifest: it was never completed', async () => {
    await rm(manifestOf(newest));
    expect(await refusal(newest.name)).toEqual(refused('BackupNotFound', 'no complete backup'));
  });

  it('a backup whose data is missing', async () => {
    await rm(dataOf(newest));
    expect(await refusal(newest.name)).toEqual(refused('BackupNotFound', 'missing'));
  });

  it('a damaged manifest', async () => {
    await writeFile(manifestOf(newest), '{"version": 1');
    expect(await refusal(newest.name)).toEqual(refused('ChecksumMismatch', 'manifest'));
  });

  it('data with one bit turned', async () => {
    const bytes = await readFile(dataOf(newest));
    bytes[bytes.length >> 1]! ^= 1;
    await writeFile(dataOf(newest), bytes);
    expect(await refusal(newest.name)).toEqual(refused('ChecksumMismatch', 'SHA-256'));
  });

  it('data that is cut short', async () => {
    await truncate(dataOf(newest), newest.sizeBytes - 1);
    expect(await refusal(newest.name)).toEqual(refused('ChecksumMismatch', `${newest.sizeBytes - 1} bytes`));
  });

  it('a backup of a newer server', async () => {
    await rewrite(newest, {serverVersion: '99.1'});
    expect(await refusal(newest.name)).toEqual(refused('RestoreFailed', 'the backup is of PostgreSQL 99.1'));
  });

  it('a role that may not create the schema', async () => {
    await postgres.asSuperuser(`ALTER DATABASE ${nameOf(target)} OWNER TO postgres`);
    expect(await refusal(newest.name)).toEqual(refused('RestoreFailed', 'permission denied'));
  });
});

describe('restore takes everything back when', () => {
  it('the rows are not those of the manifest', async () => {
    await rewrite(newest, {rowCounts: {...newest.rowCounts, sessions: 101}});
    await expect(restoreBackup(contextFor(target, directory), newest.name)).rejects.toMatchObject({
      reason: 'RestoreFailed',
      message: expect.stringContaining('restored _system.sessions holds 100 rows, the backup has 101'),
    });
    expect(await relationsIn(postgres, target)).toBe(0);
  });

  it('a statement fails', async () => {
    await replaceData(newest, 'CREATE SCHEMA _system;\nCREATE TABLE _system.sessions ();\nSELECT 1 / 0;\n');
    await expect(restoreBackup(contextFor(target, directory), newest.name)).rejects.toMatchObject({
      reason: 'RestoreFailed',
      message: expect.stringContaining('division by zero'),
    });
    expect(await relationsIn(postgres, target)).toBe(0);
  });

  it.each<NodeJS.Signals>(['SIGKILL', 'SIGTERM'])('ended half-way by %s', async (signal) => {
    await replaceData(
      newest,
      'CREATE SCHEMA _system;\nCREATE TABLE _system.sessions ();\nSELECT pg_sleep(3);\nCREATE TABLE _system.more ();\n',
    );
    const {child, ended} = await startRestore();
    await expect.poll(() => restoring(), {timeout: 20_000}).toBe(1);
    child.kill(signal);
    const run = await ended;
    expect(signal === 'SIGKILL' ? run.signal : run.outcome?.ok).toBe(
      signal === 'SIGKILL' ? 'SIGKILL' : false,
    );
    await expect.poll(() => restoring(), {timeout: 10_000}).toBe(0);
    expect(await relationsIn(postgres, target)).toBe(0);
  });

  it('ended while it is committed', async () => {
    const slow = `
      CREATE SCHEMA _system;
      CREATE TABLE _system.sessions ();
      CREATE FUNCTION _system.slow() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN PERFORM pg_sleep(5); RETURN NULL; END$$;
      CREATE CONSTRAINT TRIGGER slow AFTER INSERT ON _system.sessions DEFERRABLE INITIALLY DEFERRED
        FOR EACH ROW EXECUTE FUNCTION _system.slow();
      INSERT INTO _system.sessions DEFAULT VALUES;
`;
    await replaceData(newest, slow, {rowCounts: {sessions: 1}});
    const {child, ended} = await startRestore();
    await expect.poll(() => restoring('COMMIT'), {timeout: 20_000}).toBe(1);
    child.kill('SIGTERM');
    const {outcome} = await ended;
    expect(outcome).toMatchObject({ok: false, message: expect.stringContaining('stopped by SIGTERM')});
    expect(await relationsIn(postgres, target)).toBe(0);
  });

  async function restoring(statement = 'pg_sleep'): Promise<number> {
    const {rows} = await postgres.asSuperuser(
      `SELECT count(*)::int AS found FROM pg_stat_activity
        WHERE datname = '${nameOf(target)}' AND application_name = 'fraiseql-auth restore'
          AND query LIKE '%${statement}%' AND state <> 'idle'`,
    );
    return (rows[0] as {found: number}).found;
  }
});

describe('a restore that is committed is done', () => {
  it('though psql dies after it', async () => {
    const fake = await fakeTool(postgres, '"$REAL" "$@"; kill -9 $$', 'psql');
    const {ended} = await startRestore(fake);
    expect((await ended).outcome).toMatchObject({ok: true, kind: 'restore'});
    expect(await contentOf(postgres, target)).toBe(await contentOf(postgres, source));
  });

  it('though the process is told to stop before it has heard of it', async () => {
    const fake = await fakeTool(postgres, '"$REAL" "$@"; exec sleep 60', 'psql');
    const {child, ended} = await startRestore(fake);
    await expect.poll(() => relationsIn(postgres, target), {timeout: 20_000}).toBeGreaterThan(0);
    child.kill('SIGTERM');
    expect((await ended).outcome).toMatchObject({ok: true, kind: 'restore'});
  });

  it('which nobody knows while the database is away: that is said, and not that it was stopped', async () => {
    const fake = await fakeTool(postgres, '"$REAL" "$@"; exec sleep 60', 'psql');
    const {child, ended} = await startRestore(fake);
    await expect.poll(() => relationsIn(postgres, target), {timeout: 20_000}).toBeGreaterThan(0);
    try {
      await postgres.stop();
      child.kill('SIGTERM');
      expect((await ended).outcome).toMatchObject({
        ok: false,
        reason: 'RestoreFailed',
        message: expect.stringContaining('cannot be asked whether it took it'),
        hint: expect.stringContaining('the restore is done'),
      });
    } finally {
      await postgres.start();
    }
  });

  it('though its tables cannot be analysed, of which it warns', async () => {
    const url = await databaseWith(postgres, 5);
    await postgres.asSuperuser(
      `SET ROLE fraiseql_app;
       CREATE FUNCTION public.fragile(text) RETURNS int IMMUTABLE LANGUAGE plpgsql AS
         $$BEGIN IF current_query() LIKE 'ANALYZE%' THEN RAISE EXCEPTION 'no numbers'; END IF; RETURN 1; END$$;
       CREATE INDEX ON _system.sessions (public.fragile(user_id))`,
      nameOf(url),
    );
    const {manifest} = await takeBackup(contextFor(url, directory));
    const {warning} = await restoreBackup(contextFor(target, directory), manifest.name);
    expect(warning).toMatch(/ANALYZE failed.*no numbers/);
    expect(await contentOf(postgres, target)).toBe(await contentOf(postgres, url));
  });

  it('and not where psql only says so', async () => {
    const fake = await fakeTool(postgres, 'head -c 1 >/dev/null; exit 0', 'psql');
    const {ended} = await startRestore(fake);
    expect((await ended).outcome).toMatchObject({ok: false, reason: 'RestoreFailed'});
    expect(await relationsIn(postgres, target)).toBe(0);
  });
});

describe('a database that was emptied and migrated again', () => {
  beforeEach(async () => {
    await migrateDatabase(migration(target));
  });

  it('takes the backup, all sessions the same', async () => {
    const lost = await databaseWith(postgres, 50);
    const before = await contentOf(postgres, lost);
    const {manifest} = await takeBackup(contextFor(lost, directory));
    await postgres.asSuperuser('DROP SCHEMA _system CASCADE', nameOf(lost));
    await migrateDatabase(migration(lost));
    await restoreBackup(contextFor(lost, directory), manifest.name);
    expect(await contentOf(postgres, lost)).toBe(before);
    expect(await migrateDatabase(migration(lost))).toMatchObject({applied: []});
    await expect(dumpSchema(postgres, lost)).toMatchFileSnapshot('../database/schema.snapshot.sql');
  });

  it.each([
    ['a row', 'INSERT INTO _system.logout_tokens VALUES ($$x$$, now())', /rows in _system\.logout_tokens/],
    ['a table of somebody else', 'CREATE TABLE _system.notes ()', /\(_system\.notes\)/],
    [
      'a function of somebody else',
      'CREATE FUNCTION _system.f() RETURNS int LANGUAGE sql AS $$SELECT 1$$',
      /_system\.f\(\)/,
    ],
  ])('but not with %s in it', async (_name, sql, message) => {
    await postgres.asSuperuser(`SET ROLE fraiseql_app; ${sql}`, nameOf(target));
    const before = dumpSchema(postgres, target);
    await expect(restoreBackup(contextFor(target, directory), 'latest')).rejects.toMatchObject({
      reason: 'RestoreTargetNotEmpty',
      message: expect.stringMatching(message),
      hint: expect.stringContaining('DROP SCHEMA _system CASCADE'),
    });
    expect(dumpSchema(postgres, target)).toBe(before);
  });

  it('nor with a row that comes while it is looked at', async () => {
    const writer = new Client({connectionString: target});
    await writer.connect();
    try {
      await writer.query(`BEGIN; INSERT INTO _system.logout_tokens VALUES ('x', now())`);
      const restoring = restoreBackup(contextFor(target, directory), 'latest').then(
        () => undefined,
        (error: unknown) => error,
      );
      await until(async () => {
        const {rowCount} = await postgres.asSuperuser(
          `SELECT 1 FROM pg_stat_activity WHERE datname = '${nameOf(target)}' AND wait_event_type = 'Lock'`,
        );
        return rowCount === 1;
      });
      await writer.query('COMMIT');
      expect(await restoring).toMatchObject({
        reason: 'RestoreFailed',
        message: expect.stringContaining('rows came into schema _system meanwhile'),
      });
      const {rowCount} = await writer.query('SELECT 1 FROM _system.logout_tokens');
      expect(rowCount).toBe(1);
    } finally {
      await writer.end();
    }
  });

  it('nor where somebody made something that depends on it', async () => {
    await postgres.asSuperuser(
      'CREATE VIEW public.who AS SELECT user_id FROM _system.sessions',
      nameOf(target),
    );
    await expect(restoreBackup(contextFor(target, directory), 'latest')).rejects.toMatchObject({
      reason: 'RestoreFailed',
      message: expect.stringContaining('other objects depend on them'),
    });
  });
});

it('what the rest of the backup holds and the database has already is not restored over', async () => {
  const url = await databaseWith(postgres, 5);
  await postgres.asSuperuser('SET ROLE fraiseql_app; CREATE TABLE public.posts ()', nameOf(url));
  const {manifest} = await takeBackup(contextFor(url, directory));
  await postgres.asSuperuser('SET ROLE fraiseql_app; CREATE TABLE public.posts (id int)', nameOf(target));
  await expect(restoreBackup(contextFor(target, directory), manifest.name)).rejects.toMatchObject({
    message: expect.stringContaining('"posts" already exists'),
    hint: expect.stringContaining('The backup is of a whole database'),
  });
  expect(await relationsIn(postgres, target)).toBe(0);
});

describe('restore takes', () => {
  it('the newest', async () => {
    expect((await restoreBackup(contextFor(target, directory), 'latest')).manifest.name).toBe(newest.name);
  });

  it('the newest good one, where newer ones are damaged or incomplete', async () => {
    await truncate(dataOf(newest), 10);
    expect((await restoreBackup(contextFor(target, directory), 'latest')).manifest.name).toBe(older.name);
    expect(await contentOf(postgres, target)).toBe(await contentOf(postgres, source));
  });

  it.each([
    ['its name', (name: string) => name],
    ['its file', (name: string) => `${name}.sql.gz`],
    ['its location', (name: string) => `file://${directory}/${name}.sql.gz`],
  ])('the one that is given by %s, also of another instance', async (_how, spelling) => {
    const context = contextFor(target, directory, {instance: 'auth-staging'});
    const result = await restoreBackup(context, spelling(older.name));
    expect(result.manifest.name).toBe(older.name);
  });
});
