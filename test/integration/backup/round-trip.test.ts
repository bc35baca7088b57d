import {spawnSync} from 'node:child_process';
import {createHash} from 'node:crypto';
import {readdir, readFile, rm, stat} from 'node:fs/promises';
import {join} from 'node:path';
import {afterAll, beforeAll, describe, expect, it} from 'vitest';
import {takeBackup} from '../../../src/backup/backup.ts';
import {restoreBackup} from '../../../src/backup/restore.ts';
import {migrateDatabase} from '../../../src/database/migrate.ts';
import {quoted} from '../../../src/database/quoted.ts';
import {SCHEMA_VERSION} from '../../../src/database/version.ts';
import {verifyDatabase} from '../../../src/database/verify.ts';
import {systemClock} from '../../../src/support/clock.ts';
import {startPostgres, type TestPostgres} from '../../support/postgres.ts';
import {runProgram} from '../../support/program.ts';
import {startS3, type TestS3} from '../../support/s3.ts';
import {
  backupProcess,
  contentOf,
  contextFor,
  databaseWith,
  logger,
  nameOf,
  temporaryDirectory,
} from './fixtures.ts';

let postgres: TestPostgres;
let s3: TestS3;
let directory: string;
beforeAll(async () => {
  [postgres, s3] = await Promise.all([startPostgres(), startS3()]);
  await s3.createBucket('auth-backups');
  directory = await temporaryDirectory();
});
afterAll(async () => {
  await Promise.all([postgres.close(), s3.close(), rm(directory, {recursive: true})]);
});

describe('a backup restores into a fresh database with the same sessions', () => {
  it.each([
    ['a directory', () => ({BACKUP_DESTINATION: `file://${directory}/not/yet/there`})],
    ['a bucket', () => s3.environment('auth-backups', 'prod/eu')],
  ])('from %s', async (_name, destination) => {
    const source = await databaseWith(postgres, 500);
    const target = await postgres.createDatabase();
    const saved = await backupProcess(source, destination());
    expect(saved.output).toContain('backup succeeded');
    expect(saved.outcome).toMatchObject({
      ok: true,
      kind: 'backup',
      detail: {
        location: expect.stringMatching(/^(file|s3):\/\/.*\/auth-prod_\d{8}_\d{6}_[0-9a-f]{8}\.sql\.gz$/),
        sizeBytes: expect.any(Number),
        sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
        schemaVersion: SCHEMA_VERSION,
        serverVersion: expect.stringMatching(/^\d+/),
        startedAt: expect.any(String),
        completedAt: expect.any(String),
        sessions: 500,
      },
    });
    const restored = await runProgram(['restore', '--from', 'latest'], {
      DATABASE_URL: target,
      BACKUP_NAME_PREFIX: 'auth-prod',
      ...destination(),
    });
    expect(restored.outcome).toMatchObject({ok: true, kind: 'restore', detail: {rowCounts: {sessions: 500}}});
    expect([saved.code, restored.code]).toEqual([0, 0]);
    expect(await contentOf(postgres, target)).toBe(await contentOf(postgres, source));
    expect((await verifyDatabase(() => target)).checks.every(({state}) => state === 'ok')).toBe(true);
    const migrated = await migrateDatabase({
      url: target,
      timeoutMs: 30_000,
      waitMs: 0,
      clock: systemClock,
      logger,
    });
    expect(migrated.applied).toEqual([]);
    for (const secret of [new URL(source).password, s3.secretAccessKey]) {
      expect(saved.output + restored.output).not.toContain(secret);
    }
  });

  it('through a bucket in several parts', async () => {
    const source = await databaseWith(postgres, 60_000);
    const target = await postgres.createDatabase();
    const env = s3.environment('auth-backups', 'large');
    const saved = await backupProcess(source, env);
    expect(saved.outcome).toMatchObject({ok: true});
    const size = saved.outcome?.ok ? Number(saved.outcome.detail['sizeBytes']) : 0;
    expect(size).toBeGreaterThan(9 * 1024 * 1024);
    const from = saved.outcome?.ok ? String(saved.outcome.detail['location']) : '';
    const restored = await runProgram(['restore', '--from', from], {DATABASE_URL: target, ...env});
    expect(restored.outcome).toMatchObject({ok: true});
    expect(await contentOf(postgres, target)).toBe(await contentOf(postgres, source));
  });

  it('of another owner, also into a schema that an administrator made', async () => {
    const source = await databaseWith(postgres, 20);
    const there = join(directory, 'owners');
    const {manifest} = await takeBackup(contextFor(source, there));
    await postgres.asSuperuser(`CREATE ROLE other LOGIN PASSWORD 'other-password'`);
    await postgres.asSuperuser('CREATE DATABASE theirs');
    await postgres.asSuperuser('CREATE SCHEMA _system AUTHORIZATION other', 'theirs');
    const target = `postgres://other:other-password@127.0.0.1:${postgres.port}/theirs`;
    await restoreBackup(contextFor(target, there), manifest.name);
    expect(await contentOf(postgres, target)).toBe(await contentOf(postgres, source));
    const {rows} = await postgres.asSuperuser(
      `SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname = '_system'`,
      'theirs',
    );
    expect(rows).toEqual([{tableowner: 'other'}]);
  });

  it('with the rest of the database: tables, large objects and comments of other schemas', async () => {
    const source = await databaseWith(postgres, 5);
    const target = await postgres.createDatabase();
    await postgres.asSuperuser(
      `SET ROLE fraiseql_app; CREATE SCHEMA app;
       CREATE TABLE app.posts (id INT PRIMARY KEY, body TEXT);
       INSERT INTO app.posts VALUES (1, E'\\\\.\\nCOMMIT;\\n\\\\! touch /tmp/never');
       COMMENT ON TABLE app.posts IS '@fraiseql:type';
       SELECT lo_from_bytea(4711, '\\x010203')`,
      nameOf(source),
    );
    const there = join(directory, 'whole');
    await takeBackup(contextFor(source, there));
    await restoreBackup(contextFor(target, there), 'latest');
    const {rows} = await postgres.asSuperuser(
      `SELECT body, obj_description('app.posts'::regclass) AS comment, lo_get(4711) AS blob FROM app.posts`,
      nameOf(target),
    );
    expect(rows).toEqual([
      {
        body: '\\.\nCOMMIT;\n\\! touch /tmp/never',
        comment: '@fraiseql:type',
        blob: Buffer.from([1, 2, 3]),
      },
    ]);
  });

  it('with tables of any name beside the sessions', async () => {
    const source = await databaseWith(postgres, 5);
    const target = await postgres.createDatabase();
    const name = `Who's 100% "$$mine\\$$"`;
    const table = `_system.${quoted(name)}`;
    await postgres.asSuperuser(
      `SET ROLE fraiseql_app; CREATE TABLE ${table} AS SELECT generate_series(1, 3) AS n`,
      nameOf(source),
    );
    const there = join(directory, 'names');
    const {manifest} = await takeBackup(contextFor(source, there));
    expect(manifest.rowCounts).toMatchObject({sessions: 5, [name]: 3});
    expect(await restoreBackup(contextFor(target, there), 'latest')).toMatchObject({warning: undefined});
    const {rowCount} = await postgres.asSuperuser(`SELECT FROM ${table}`, nameOf(target));
    expect(rowCount).toBe(3);
  });

  it('by hand, as the guide does: gunzip and psql', async () => {
    const source = await databaseWith(postgres, 20);
    const target = await postgres.createDatabase();
    const there = join(directory, 'by-hand');
    const {manifest} = await takeBackup(contextFor(source, there));
    const {status, stderr} = spawnSync(
      'bash',
      [
        '-c',
        `set -o pipefail; gunzip -c "$0" | "$1" -v ON_ERROR_STOP=1 -q "$2"`,
        join(there, `${manifest.name}.sql.gz`),
        join(postgres.bin, 'psql'),
        target,
      ],
      {encoding: 'utf8'},
    );
    expect(stderr).toBe('');
    expect(status).toBe(0);
    expect(await contentOf(postgres, target)).toBe(await contentOf(postgres, source));
  });

  it('with a password that no URL or shell likes', async () => {
    const password = `p@ss:w/rd#1%?&=+ '"é`;
    await postgres.asSuperuser(`CREATE ROLE odd LOGIN SUPERUSER PASSWORD '${password.replace("'", "''")}'`);
    const source = await databaseWith(postgres, 5);
    const url = `postgres://odd:${encodeURIComponent(password)}@127.0.0.1:${postgres.port}/${nameOf(source)}`;
    const there = join(directory, 'odd');
    const {manifest} = await takeBackup(contextFor(url, there));
    expect(manifest.rowCounts['sessions']).toBe(5);
  });
});

describe('what is stored', () => {
  it('is the dump and its manifest, readable by their owner alone, and true', async () => {
    const source = await databaseWith(postgres, 30);
    const there = join(directory, 'stored');
    const {manifest, location} = await takeBackup(contextFor(source, there));
    expect((await readdir(there)).sort()).toEqual([
      `${manifest.name}.manifest.json`,
      `${manifest.name}.sql.gz`,
    ]);
    expect(JSON.parse(await readFile(join(there, `${manifest.name}.manifest.json`), 'utf8'))).toEqual(
      manifest,
    );
    const path = new URL(location);
    expect((await stat(path)).mode & 0o077).toBe(0);
    const stored = await readFile(path);
    expect(createHash('sha256').update(stored).digest('hex')).toBe(manifest.sha256);
    expect(stored.length).toBe(manifest.sizeBytes);
    expect(manifest).toMatchObject({
      instance: 'auth-prod',
      rowCounts: {
        sessions: 30,
        session_details: 30,
        refresh_history: 30,
        login_transactions: 0,
        logout_tokens: 0,
        sign_ins: 30,
        schema_migrations: Number(SCHEMA_VERSION),
      },
    });
  });

  it('is one moment: what comes in while it is dumped is not counted', async () => {
    const source = await databaseWith(postgres, 2_000);
    const there = join(directory, 'moment');
    const state = {busy: true};
    const writing = (async () => {
      while (state.busy) {
        await postgres.asSuperuser(
          `INSERT INTO _system.sessions (user_id, refresh_token_hash, issued_at, expires_at)
           SELECT 'x', gen_random_uuid()::text, 1, 2 FROM generate_series(1, 50)`,
          nameOf(source),
        );
      }
    })();
    await takeBackup(contextFor(source, there));
    state.busy = false;
    await writing;
    // Restoring compares the rows with the manifest's counts and fails where they differ.
    const target = await postgres.createDatabase();
    const {manifest} = await restoreBackup(contextFor(target, there), 'latest');
    expect(manifest.rowCounts['sessions']).toBeGreaterThanOrEqual(2_000);
  });

  it('of two that start in the same second is both', async () => {
    const source = await databaseWith(postgres, 5);
    const there = join(directory, 'twins');
    const clock = {...systemClock, now: () => Date.UTC(2026, 0, 21, 2)};
    const [one, two] = await Promise.all([
      takeBackup(contextFor(source, there, {clock})),
      takeBackup(contextFor(source, there, {clock})),
    ]);
    expect(one.manifest.name).not.toBe(two.manifest.name);
    expect(await readdir(there)).toHaveLength(4);
  });
});
