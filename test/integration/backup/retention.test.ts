import {readdir, rm, utimes, writeFile} from 'node:fs/promises';
import {createServer, request} from 'node:http';
import type {AddressInfo} from 'node:net';
import {join} from 'node:path';
import {setTimeout as delay} from 'node:timers/promises';
import {afterAll, beforeAll, describe, expect, it} from 'vitest';
import {takeBackup, type BackupContext} from '../../../src/backup/backup.ts';
import {readCatalogue, removeExpired} from '../../../src/backup/catalogue.ts';
import {newestOf} from '../../../src/backup/retention.ts';
import {S3Store} from '../../../src/backup/s3-store.ts';
import {startPostgres, type TestPostgres} from '../../support/postgres.ts';
import {startS3, type TestS3} from '../../support/s3.ts';
import {clockAt, contextFor, databaseWith, DAY, temporaryDirectory} from './fixtures.ts';

let postgres: TestPostgres;
let s3: TestS3;
let source: string;
let root: string;
beforeAll(async () => {
  [postgres, s3] = await Promise.all([startPostgres(), startS3()]);
  source = await databaseWith(postgres, 5);
  await s3.createBucket('auth-backups');
  root = await temporaryDirectory();
});
afterAll(async () => {
  await Promise.all([postgres.close(), s3.close(), rm(root, {recursive: true})]);
});

const NOW = Date.now();

describe.each<[string, (name: string) => BackupContext]>([
  ['a directory', (name) => contextFor(source, join(root, name))],
  [
    'a bucket',
    (name) => ({
      ...contextFor(source, root),
      store: new S3Store({
        kind: 's3',
        bucket: 'auth-backups',
        prefix: name,
        endpoint: s3.endpoint,
        region: undefined,
        forcePathStyle: true,
        credentials: {accessKeyId: s3.accessKeyId, secretAccessKey: s3.secretAccessKey},
      }),
    }),
  ],
])('retention in %s', (_kind, contextOf) => {
  const at = (context: BackupContext, days: number): BackupContext => ({
    ...context,
    clock: clockAt(NOW - days * DAY),
  });
  const names = async (context: BackupContext): Promise<string[]> =>
    (await readCatalogue(context.store, context.settings.instance, context.signal)).good
      .map(({name}) => name)
      .sort();

  it('removes what is past its time after a new one is good, and nothing of another instance', async () => {
    const context = contextOf('mixed');
    const other: BackupContext = {...context, settings: {...context.settings, instance: 'auth-prod-eu'}};
    const old = await takeBackup(at(context, 45));
    const foreign = await takeBackup(at(other, 45));
    const young = await takeBackup(at(context, 20));
    await context.store.write('auth-prod_notes.txt', text('mine'), context.signal);
    const latest = await takeBackup(at(context, 0));
    // When that of 20 days was taken, that of 45 was 25 days old.
    expect(latest.removed).toEqual([old.manifest.name]);
    expect(await names(context)).toEqual([young.manifest.name, latest.manifest.name].sort());
    expect(await names(other)).toEqual([foreign.manifest.name]);
    expect((await context.store.list('auth-prod_notes')).map(({name}) => name)).toEqual([
      'auth-prod_notes.txt',
    ]);
  });

  it('is not kept by a clock that is years ahead, whose backup is not the newest for ever', async () => {
    const context = contextOf('ahead');
    const before = await takeBackup(at(context, 20));
    const ahead = await takeBackup(at(context, -730));
    expect(ahead.removed).toEqual([]);
    expect(ahead.warning).toMatch(/clock of this machine is 10\d{5} minutes ahead of the database's/);
    // A bucket tells whole seconds.
    await delay(1_100);
    const after = await takeBackup(context);
    expect(after).toMatchObject({removed: [], warning: undefined});
    const {good} = await readCatalogue(context.store, context.settings.instance, context.signal);
    expect(good.map(({name}) => name).sort()).toEqual(
      [before, ahead, after].map(({manifest}) => manifest.name).sort(),
    );
    expect(newestOf(good, Date.now())?.name).toBe(after.manifest.name);
  });

  it('removes nothing where the clock of the storage is behind, by which all seems old', async () => {
    const context = contextOf('behind');
    const {store} = context;
    const list = store.list.bind(store);
    store.list = async (prefix) =>
      (await list(prefix)).map((each) => ({...each, modifiedAt: each.modifiedAt - 40 * DAY}));
    const before = await takeBackup(at(context, 20));
    const latest = await takeBackup(context);
    expect(latest.removed).toEqual([]);
    expect(latest.warning).toMatch(/by the storage's clock the newest was complete 576\d\d minutes earlier/);
    expect(await names(context)).toEqual([before, latest].map(({manifest}) => manifest.name).sort());
  });

  it('leaves alone what says of itself that it is of another instance', async () => {
    const context = contextOf('foreign');
    const old = await takeBackup(at(context, 45));
    const {manifest} = await takeBackup(at(context, 20));
    for (const each of [old.manifest, manifest]) {
      const name = `${each.name}.manifest.json`;
      await context.store.remove(name);
      await context.store.write(name, text(JSON.stringify({...each, instance: 'auth.prod'})), context.signal);
    }
    expect(await names(context)).toEqual([]);
    expect((await takeBackup(at(context, 0))).removed).toEqual([]);
    expect(await context.store.list(old.manifest.name)).toHaveLength(2);
  });

  it('keeps the last good one, however old, and does not count damaged ones as good', async () => {
    const context = contextOf('last');
    const patient = {...context, settings: {...context.settings, retentionMs: 1_000 * DAY}};
    const only = await takeBackup(at(patient, 400));
    const damaged = await takeBackup(at(patient, 1));
    await context.store.remove(`${damaged.manifest.name}.sql.gz`);
    const {removed, problems} = await removeExpired(context.store, context.settings.instance, {
      now: NOW,
      retentionMs: 30 * DAY,
      signal: context.signal,
    });
    expect(removed).toEqual([]);
    expect(problems).toEqual([
      expect.stringContaining(`${damaged.manifest.name} is damaged: its data is missing. Check the storage`),
    ]);
    const catalogue = await readCatalogue(context.store, context.settings.instance, context.signal);
    expect(catalogue.good.map(({name}) => name)).toEqual([only.manifest.name]);
    expect(catalogue.damaged).toEqual([{name: damaged.manifest.name, problem: 'its data is missing'}]);
  });

  it('removes what broke off, when it is more than a day old', async () => {
    const context = contextOf('leftovers');
    await context.store.check('write');
    const leftover = 'auth-prod_20260101_020000_00000000';
    await context.store.write(`${leftover}.sql.gz`, text('half of it'), context.signal);
    const sweep = async (now: number): Promise<readonly string[]> => {
      const {removed, problems} = await removeExpired(context.store, context.settings.instance, {
        now,
        retentionMs: DAY,
        signal: context.signal,
      });
      expect(problems).toEqual([]);
      return removed;
    };
    expect(await sweep(Date.now() + DAY / 2)).toEqual([]);
    expect(await sweep(Date.now() + 2 * DAY)).toEqual([leftover]);
    expect(await context.store.list('')).toEqual([]);
  });
});

it('a partial file of a process that was killed goes after a day; a foreign one stays', async () => {
  const directory = join(root, 'partial');
  const context = contextFor(source, directory);
  await context.store.check('write');
  const partial = 'auth-prod_20260101_020000_00000000.sql.gz.partial';
  const fresh = 'auth-prod_20260101_020000_11111111.sql.gz.partial';
  const foreign = 'auth-prod_report.partial';
  for (const name of [partial, fresh, foreign]) await writeFile(join(directory, name), 'x');
  for (const name of [partial, foreign])
    await utimes(join(directory, name), NOW / 1000 - 90_000, NOW / 1000 - 90_000);
  await takeBackup(context);
  const left = (await readdir(directory)).filter((name) => name.endsWith('.partial'));
  expect(left.sort()).toEqual([fresh, foreign].sort());
});

it('an interrupted multipart upload goes after a day', async () => {
  const {CreateMultipartUploadCommand, ListMultipartUploadsCommand, S3Client} =
    await import('@aws-sdk/client-s3');
  const client = new S3Client({
    endpoint: s3.endpoint,
    region: 'us-east-1',
    forcePathStyle: true,
    credentials: {accessKeyId: s3.accessKeyId, secretAccessKey: s3.secretAccessKey},
  });
  const destination = {
    kind: 's3' as const,
    bucket: 'auth-backups',
    prefix: 'uploads',
    endpoint: s3.endpoint,
    region: undefined,
    forcePathStyle: true,
    credentials: {accessKeyId: s3.accessKeyId, secretAccessKey: s3.secretAccessKey},
  };
  const store = new S3Store(destination);
  try {
    const Bucket = 'auth-backups';
    for (const name of ['auth-prod_20260101_020000_00000000.sql.gz', 'somebody-elses.bin']) {
      await client.send(new CreateMultipartUploadCommand({Bucket, Key: `uploads/${name}`}));
    }
    const open = async (): Promise<(string | undefined)[]> =>
      (await client.send(new ListMultipartUploadsCommand({Bucket, Prefix: 'uploads/'}))).Uploads?.map(
        ({Key}) => Key,
      ) ?? [];
    const signal = new AbortController().signal;
    await removeExpired(store, 'auth-prod', {now: Date.now() + DAY / 2, retentionMs: DAY, signal});
    expect(await open()).toHaveLength(2);
    await removeExpired(store, 'auth-prod', {now: Date.now() + 2 * DAY, retentionMs: DAY, signal});
    expect(await open()).toEqual(['uploads/somebody-elses.bin']);
  } finally {
    await store.close();
    client.destroy();
  }
});

it('more interrupted uploads than one listing shows go as well', async () => {
  const {CreateMultipartUploadCommand, S3Client} = await import('@aws-sdk/client-s3');
  const credentials = {accessKeyId: s3.accessKeyId, secretAccessKey: s3.secretAccessKey};
  const client = new S3Client({
    endpoint: s3.endpoint,
    region: 'us-east-1',
    forcePathStyle: true,
    credentials,
  });
  const Bucket = 'auth-backups';
  const store = new S3Store({
    kind: 's3',
    bucket: Bucket,
    prefix: 'many',
    endpoint: s3.endpoint,
    region: undefined,
    forcePathStyle: true,
    credentials,
  });
  try {
    const keys = Array.from({length: 1_005}, (_, n) => `many/${String(n).padStart(4, '0')}`);
    while (keys.length > 0) {
      await Promise.all(
        keys.splice(0, 20).map((Key) => client.send(new CreateMultipartUploadCommand({Bucket, Key}))),
      );
    }
    expect(await store.sweep(() => true, Date.now() + DAY)).toBe(1_005);
  } finally {
    await store.close();
    client.destroy();
  }
});

it('where uploads may not be listed, the warning says that alone, and what was removed is told', async () => {
  const proxy = await startListingProxy(new URL(s3.endpoint));
  const store = new S3Store({
    kind: 's3',
    bucket: 'auth-backups',
    prefix: 'denied',
    endpoint: proxy.endpoint,
    region: undefined,
    forcePathStyle: true,
    credentials: {accessKeyId: s3.accessKeyId, secretAccessKey: s3.secretAccessKey},
  });
  try {
    const context = {...contextFor(source, root), store};
    const old = await takeBackup({...context, clock: clockAt(NOW - 45 * DAY)});
    const {removed, warning} = await takeBackup(context);
    expect(removed).toEqual([old.manifest.name]);
    expect(warning).toMatch(/^what interrupted backups left could not be removed: .*access was denied/);
    expect(warning).toContain('s3:ListBucketMultipartUploads');
  } finally {
    await store.close();
    await proxy.close();
  }
});

/** An S3 server before the real one that denies one right: to list uploads. */
async function startListingProxy(target: URL): Promise<{endpoint: string; close(): Promise<void>}> {
  const server = createServer((incoming, answer) => {
    if (incoming.method === 'GET' && /[?&]uploads/.test(incoming.url ?? '')) {
      answer.writeHead(403, {'content-type': 'application/xml'});
      answer.end('<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>');
      return;
    }
    const {method, url, headers} = incoming;
    const onward = request(
      {host: target.hostname, port: target.port, method, path: url, headers},
      (found) => {
        answer.writeHead(found.statusCode ?? 502, found.headers);
        found.pipe(answer);
      },
    );
    onward.on('error', () => answer.destroy());
    incoming.pipe(onward);
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}

async function* text(content: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(content);
}
