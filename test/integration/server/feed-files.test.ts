// A file that DATABASE_URL names is gone when the feed of revocations connects: it tries again until it is back.
import {mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {afterAll, beforeAll, expect, it} from 'vitest';
import {RevocationFeed} from '../../../src/server/revocation/feed.ts';
import {systemClock} from '../../../src/support/clock.ts';
import {ownDatabase, type TestDatabase} from '../../support/shared-postgres.ts';
import {until} from '../../support/server/stack.ts';

const directory = mkdtempSync(join(tmpdir(), 'feed-'));
let database: TestDatabase;
beforeAll(async () => {
  database = await ownDatabase();
});
afterAll(async () => {
  await database.close();
  rmSync(directory, {recursive: true});
});

it('and the process goes on meanwhile', async () => {
  const file = join(directory, 'ca.crt');
  const url = new URL(database.url);
  url.searchParams.set('sslmode', 'disable');
  url.searchParams.set('sslrootcert', file);
  const feed = new RevocationFeed({
    databaseUrl: url.href,
    clock: systemClock,
    onSession: () => {},
    onGap: () => {},
    onChange: () => {},
    onBeat: () => {},
  });
  feed.start();
  await new Promise((resolve) => setTimeout(resolve, 600));
  expect(feed.live).toBe(false);
  writeFileSync(file, 'a certificate, which is not looked at');
  await until('the feed', () => feed.live);
  await feed.stop();
});
