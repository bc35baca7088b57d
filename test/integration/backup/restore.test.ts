import {existsSync} from 'node:fs';
import {readFile, rm, truncate, writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import {afterAll, beforeAll, beforeEach, describe, expect, it} from 'vitest';
import {takeBackup} from '../../../src/backup/backup.ts';
import type {Manifest} from '../../../src/backup/manifest.ts';
import {restoreBackup} from '../../../src/backup/restore.ts';
import {APP_ROLE, type TestPostgres} from '../../support/postgres.ts';
import {runProgram} from '../../support/program.ts';
import {dataOf, manifestOf, rewrite, startOrigin, takeBackups, type Backups, type Origin} from './backups.ts';
import {contentOf, contextFor, databaseWith, nameOf, relationsIn} from './fixtures.ts';

let origin: Origin;
let backups: Backups;
let postgres: TestPostgres;
let root: string;
let source: string;
let directory: string;
let target: string;
let older: Manifest;
let newest: Manifest;
beforeAll(async () => {
  origin = await startOrigin();
  ({postgres, root, source} = origin);
});
afterAll(() => origin.close());
beforeEach(async () => {
  backups = await takeBackups(origin);
  ({directory, target, older, newest} = backups);
});

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
    await rm(manifestOf(backups, newest));
    expect(await refusal(newest.name)).toEqual(refused('BackupNotFound', 'no complete backup'));
  });

  it('a backup whose data is missing', async () => {
    await rm(dataOf(backups, newest));
    expect(await refusal(newest.name)).toEqual(refused('BackupNotFound', 'missing'));
  });

  it('a damaged manifest', async () => {
    await writeFile(manifestOf(backups, newest), '{"version": 1');
    expect(await refusal(newest.name)).toEqual(refused('ChecksumMismatch', 'manifest'));
  });

  it('data with one bit turned', async () => {
    const bytes = await readFile(dataOf(backups, newest));
    bytes[bytes.length >> 1]! ^= 1;
    await writeFile(dataOf(backups, newest), bytes);
    expect(await refusal(newest.name)).toEqual(refused('ChecksumMismatch', 'SHA-256'));
  });

  it('data that is cut short', async () => {
    await truncate(dataOf(backups, newest), newest.sizeBytes - 1);
    expect(await refusal(newest.name)).toEqual(refused('ChecksumMismatch', `${newest.sizeBytes - 1} bytes`));
  });

  it('a backup of a newer server', async () => {
    await rewrite(backups, {serverVersion: '99.1'});
    expect(await refusal(newest.name)).toEqual(refused('RestoreFailed', 'the backup is of PostgreSQL 99.1'));
  });

  it('a role that may not create the schema', async () => {
    await postgres.asSuperuser(`ALTER DATABASE ${nameOf(target)} OWNER TO postgres`);
    expect(await refusal(newest.name)).toEqual(refused('RestoreFailed', 'permission denied'));
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

it('an extension that only an administrator may create is asked for by name, and taken as it is there', async () => {
  const url = await databaseWith(postgres, 5);
  const extension = 'CREATE EXTENSION pg_stat_statements';
  await postgres.asSuperuser(extension, nameOf(url));
  await takeBackup(contextFor(url, directory));
  const restoring = (): Promise<unknown> => restoreBackup(contextFor(target, directory), 'latest');
  await expect(restoring()).rejects.toMatchObject({
    reason: 'RestoreFailed',
    hint: expect.stringContaining(
      `As a superuser run in database "${nameOf(target)}": CREATE EXTENSION "pg_stat_statements";`,
    ),
  });
  expect(await relationsIn(postgres, target)).toBe(0);
  await postgres.asSuperuser(extension, nameOf(target));
  await restoring();
  expect(await contentOf(postgres, target)).toBe(await contentOf(postgres, url));
});

it.each([
  [
    'EVENT TRIGGER audit',
    `CREATE FUNCTION public.note() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';
     CREATE EVENT TRIGGER audit ON ddl_command_end EXECUTE FUNCTION public.note()`,
  ],
  [
    'FUNCTION public.lower_c(text)',
    `CREATE FUNCTION public.lower_c(text) RETURNS text LANGUAGE internal AS 'lower'`,
  ],
  ['PUBLICATION everything', 'CREATE PUBLICATION everything FOR ALL TABLES'],
])('%s, which only a superuser may make, is named, and restored by a user who is one', async (made, sql) => {
  const url = await databaseWith(postgres, 5);
  await postgres.asSuperuser(sql, nameOf(url));
  await takeBackup(contextFor(url, directory));
  const restoring = (): Promise<unknown> => restoreBackup(contextFor(target, directory), 'latest');
  await expect(restoring()).rejects.toMatchObject({
    reason: 'RestoreFailed',
    message: expect.not.stringContaining('STATEMENT'),
    hint: expect.stringMatching(
      new RegExp(`^${made.replaceAll(/[()]/g, '.')} is for a superuser.*ALTER ROLE "${APP_ROLE}" SUPERUSER`),
    ),
  });
  expect(await relationsIn(postgres, target)).toBe(0);
  await postgres.asSuperuser(`ALTER ROLE ${APP_ROLE} SUPERUSER`);
  try {
    await restoring();
  } finally {
    await postgres.asSuperuser(`ALTER ROLE ${APP_ROLE} NOSUPERUSER`);
  }
  expect(await contentOf(postgres, target)).toBe(await contentOf(postgres, url));
});

describe('restore takes', () => {
  it('the newest', async () => {
    expect((await restoreBackup(contextFor(target, directory), 'latest')).manifest.name).toBe(newest.name);
  });

  it('the newest good one, where newer ones are damaged or incomplete', async () => {
    await truncate(dataOf(backups, newest), 10);
    expect((await restoreBackup(contextFor(target, directory), 'latest')).manifest.name).toBe(older.name);
    expect(await contentOf(postgres, target)).toBe(await contentOf(postgres, source));
  });

  it('no older one in place of one that a later version made', async () => {
    const later = JSON.stringify({...newest, version: 2, programVersion: '2.3.0'});
    await writeFile(manifestOf(backups, newest), later);
    for (const from of ['latest', newest.name])
      await expect(restoreBackup(contextFor(target, directory), from)).rejects.toMatchObject({
        reason: 'BackupTooNew',
        message: `backup ${newest.name} was made by a newer version, 2.3.0`,
      });
    expect(await relationsIn(postgres, target)).toBe(0);
  });

  it('the newest, where a later version made one before it', async () => {
    await writeFile(manifestOf(backups, older), JSON.stringify({...older, version: 2}));
    expect((await restoreBackup(contextFor(target, directory), 'latest')).manifest.name).toBe(newest.name);
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
