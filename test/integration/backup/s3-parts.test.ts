import {randomBytes} from 'node:crypto';
import {rm} from 'node:fs/promises';
import {HeadObjectCommand, ListMultipartUploadsCommand, S3Client} from '@aws-sdk/client-s3';
import {afterAll, beforeAll, expect, it} from 'vitest';
import {takeBackup} from '../../../src/backup/backup.ts';
import {FileStore} from '../../../src/backup/file-store.ts';
import {S3Store} from '../../../src/backup/s3-store.ts';
import type {S3Destination} from '../../../src/backup/settings.ts';
import type {Store} from '../../../src/backup/store.ts';
import {startPostgres} from '../../support/postgres.ts';
import {startS3, type TestS3} from '../../support/s3.ts';
import {contextFor, databaseWith, nameOf, temporaryDirectory} from './fixtures.ts';

const MIB = 1024 ** 2;
const Bucket = 'auth-backups';
let s3: TestS3;
let client: S3Client;
let destination: S3Destination;
beforeAll(async () => {
  s3 = await startS3();
  await s3.createBucket(Bucket);
  const {endpoint, accessKeyId, secretAccessKey} = s3;
  const common = {endpoint, forcePathStyle: true, credentials: {accessKeyId, secretAccessKey}};
  client = new S3Client({...common, region: 'us-east-1'});
  destination = {...common, kind: 's3', bucket: Bucket, prefix: '', region: undefined};
});
afterAll(async () => {
  client.destroy();
  await s3.close();
});

async function* content(mebibytes: number): AsyncGenerator<Uint8Array> {
  const chunk = randomBytes(MIB);
  for (let sent = 0; sent < mebibytes; sent++) yield chunk;
}
const {signal} = new AbortController();

it('a large database is uploaded in larger parts', async () => {
  const store = new S3Store(destination);
  try {
    for (const [name, databaseBytes] of [
      ['small', 1_000_000_000],
      ['large', 40_000_000_000],
    ] as const)
      await store.write(name, content(40), signal, databaseBytes);
    const partsOf = async (Key: string): Promise<string | undefined> =>
      /-(\d+)"$/.exec((await client.send(new HeadObjectCommand({Bucket, Key}))).ETag ?? '')?.[1];
    expect([await partsOf('small'), await partsOf('large')]).toEqual(['5', '3']);
  } finally {
    await store.close();
  }
});

it('a backup for which the parts do not suffice says so, and leaves nothing', async () => {
  const store = new S3Store(destination, 2);
  try {
    await expect(store.write('too-large', content(20), signal, 0)).rejects.toMatchObject({
      reason: 'BackupFailed',
      message: expect.stringContaining('larger than an upload of 2 parts of 8 MiB'),
    });
    expect(await store.list('too-large')).toEqual([]);
    const {Uploads = []} = await client.send(new ListMultipartUploadsCommand({Bucket}));
    expect(Uploads).toEqual([]);
  } finally {
    await store.close();
  }
});

it('the size of the database goes with its dump', async () => {
  const postgres = await startPostgres();
  const directory = await temporaryDirectory();
  try {
    const source = await databaseWith(postgres, 10);
    const told: (number | undefined)[] = [];
    const files = new FileStore(directory);
    const write: Store['write'] = (name, bytes, stop, databaseBytes) => {
      told.push(databaseBytes);
      return files.write(name, bytes, stop);
    };
    await takeBackup({
      ...contextFor(source, directory),
      store: Object.assign(new FileStore(directory), {write}),
    });
    const {rows} = await postgres.asSuperuser(`SELECT pg_database_size('${nameOf(source)}') AS bytes`);
    const [ofDump = 0, ...ofManifest] = told;
    // The server tidies up in between.
    expect(ofDump / Number((rows[0] as {bytes: string}).bytes)).toBeCloseTo(1, 0);
    expect(ofManifest).toEqual([undefined]);
  } finally {
    await Promise.all([postgres.close(), rm(directory, {recursive: true})]);
  }
});
