import {existsSync} from 'node:fs';
import {readdir, rm} from 'node:fs/promises';
import {join} from 'node:path';
import {ListMultipartUploadsCommand, S3Client} from '@aws-sdk/client-s3';
import {afterAll, beforeAll, describe, expect, it} from 'vitest';
import {startPostgres, type TestPostgres} from '../../support/postgres.ts';
import {startProgram} from '../../support/program.ts';
import {startS3, type TestS3} from '../../support/s3.ts';
import {backupProcess, databaseWith, fakeTool, temporaryDirectory} from './fixtures.ts';

let postgres: TestPostgres;
let s3: TestS3;
let source: string;
let scratch: string;
beforeAll(async () => {
  [postgres, s3] = await Promise.all([startPostgres(), startS3()]);
  source = await databaseWith(postgres, 50);
  await s3.createBucket('auth-backups');
  scratch = await temporaryDirectory();
});
afterAll(async () => {
  await Promise.all([postgres.close(), s3.close(), rm(scratch, {recursive: true})]);
});

/** A dump of 20 MB, three parts of an upload, that gzip cannot shrink, then whatever the script does. */
const LARGE = 'head -c 20000000 /dev/urandom';

async function openUploads(): Promise<number> {
  const client = new S3Client({
    endpoint: s3.endpoint,
    region: 'us-east-1',
    forcePathStyle: true,
    credentials: {accessKeyId: s3.accessKeyId, secretAccessKey: s3.secretAccessKey},
  });
  try {
    const {Uploads} = await client.send(new ListMultipartUploadsCommand({Bucket: 'auth-backups'}));
    return Uploads?.length ?? 0;
  } finally {
    client.destroy();
  }
}

async function objects(): Promise<string[]> {
  const names = await readdir(s3.directory('auth-backups'), {recursive: true});
  return names.filter((name) => name.includes('auth-prod_') && !name.includes('.sgwtmp'));
}

describe('a backup to a bucket says what is wrong', () => {
  it.each<[string, (env: Record<string, string>) => Record<string, string>, RegExp, RegExp]>([
    [
      'no such bucket',
      (env) => ({...env, BACKUP_DESTINATION: 's3://no-such-bucket/x'}),
      /no such bucket/,
      /Create the bucket/,
    ],
    [
      'an unknown key',
      (env) => ({...env, AWS_ACCESS_KEY_ID: 'unknown'}),
      /access key is unknown/,
      /AWS_ACCESS_KEY_ID/,
    ],
    [
      'a wrong secret',
      (env) => ({...env, AWS_SECRET_ACCESS_KEY: 'wrong-secret-key'}),
      /signature is wrong/,
      /AWS_SECRET_ACCESS_KEY/,
    ],
    [
      'nobody listening',
      (env) => ({...env, S3_ENDPOINT: 'http://127.0.0.1:1'}),
      /nothing listens/,
      /S3_ENDPOINT/,
    ],
    [
      'an unknown host',
      (env) => ({...env, S3_ENDPOINT: 'http://s3.invalid'}),
      /does not resolve/,
      /S3_ENDPOINT/,
    ],
  ])('%s', async (_name, change, message, hint) => {
    const run = await backupProcess(source, change(s3.environment('auth-backups')));
    expect(run.outcome).toMatchObject({
      ok: false,
      reason: 'BackupStorageUnavailable',
      message: expect.stringMatching(message),
      hint: expect.stringMatching(hint),
    });
    expect(run.code).toBe(1);
    expect(run.output).not.toContain(s3.secretAccessKey);
    expect(run.output).not.toContain('wrong-secret-key');
  });
});

describe('a backup that breaks off in the middle of an upload leaves nothing in the bucket', () => {
  it('when pg_dump fails', async () => {
    const fake = await fakeTool(postgres, `${LARGE}; exit 1`);
    const run = await backupProcess(source, s3.environment('auth-backups', 'broken'), fake);
    expect(run.outcome).toMatchObject({
      ok: false,
      reason: 'BackupFailed',
      message: expect.stringMatching(/code 1/),
    });
    expect(await openUploads()).toBe(0);
    expect(await objects()).toEqual([]);
  });

  it('when it is told to stop (SIGTERM)', async () => {
    const marker = join(scratch, 'sigterm');
    const fake = await fakeTool(postgres, `${LARGE}; touch ${marker}; exec sleep 60`);
    const {child, ended} = await startProgram(['backup'], {
      ...s3.environment('auth-backups', 'stopped'),
      DATABASE_URL: source,
      BACKUP_NAME_PREFIX: 'auth-prod',
      PATH: `${fake}:${process.env['PATH'] ?? ''}`,
    });
    await expect.poll(() => existsSync(marker), {timeout: 30_000}).toBe(true);
    await expect.poll(openUploads, {timeout: 30_000}).toBe(1);
    child.kill('SIGTERM');
    expect((await ended).outcome).toMatchObject({ok: false, message: expect.stringMatching(/SIGTERM/)});
    expect(await openUploads()).toBe(0);
    expect(await objects()).toEqual([]);
  });

  it('when the server goes away, which it says', async () => {
    const marker = join(scratch, 'away');
    const fake = await fakeTool(postgres, `${LARGE}; touch ${marker}; sleep 1; ${LARGE}`);
    const running = backupProcess(source, s3.environment('auth-backups', 'away'), fake);
    try {
      await expect.poll(() => existsSync(marker), {timeout: 30_000}).toBe(true);
      await s3.stop();
      expect((await running).outcome).toMatchObject({ok: false, reason: 'BackupStorageUnavailable'});
    } finally {
      await s3.start();
    }
    expect(await objects()).toEqual([]);
  });
});
