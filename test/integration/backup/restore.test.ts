import {readFile, rm, truncate, writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import {gzipSync} from 'node:zlib';
import {createHash} from 'node:crypto';
import {afterAll, beforeAll, beforeEach, describe, expect, it} from 'vitest';
import {takeBackup} from '../../../src/backup/backup.ts';
import type {Manifest} from '../../../src/backup/manifest.ts';
import {restoreBackup} from '../../../src/backup/restore.ts';
import {startPostgres, type TestPostgres} from '../../support/postgres.ts';
import {runProgram, startProgram} from '../../support/program.ts';
import {
  clockAt,
  contentOf,
  contextFor,
  databaseWith,
  DAY,
  nameOf,
  relationsIn,
  temporaryDirectory,
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
async function replaceData(manifest: Manifest, sql: string): Promise<void> {
  const data = gzipSync(sql);
  await writeFile(dataOf(manifest), data);
  const sha256 = createHash('sha256').update(data).digest('hex');
  await rewrite(manifest, {sizeBytes: data.length, sha256});
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
    const {child, ended} = await startProgram(['restore', '--from', newest.name], {
      DATABASE_URL: target,
      BACKUP_DESTINATION: `file://${directory}`,
    });
    await expect.poll(restoring, {timeout: 20_000}).toBe(1);
    child.kill(signal);
    const run = await ended;
    expect(signal === 'SIGKILL' ? run.signal : run.outcome?.ok).toBe(
      signal === 'SIGKILL' ? 'SIGKILL' : false,
    );
    await expect.poll(restoring, {timeout: 10_000}).toBe(0);
    expect(await relationsIn(postgres, target)).toBe(0);
  });

  async function restoring(): Promise<number> {
    const {rows} = await postgres.asSuperuser(
      `SELECT count(*)::int AS found FROM pg_stat_activity
        WHERE datname = '${nameOf(target)}' AND application_name = 'fraiseql-auth restore' AND query LIKE '%pg_sleep%'
          AND state <> 'idle'`,
    );
    return (rows[0] as {found: number}).found;
  }
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
