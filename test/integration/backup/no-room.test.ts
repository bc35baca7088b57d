import {createHash, randomBytes} from 'node:crypto';
import {mkdir, readdir, rm, writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import {afterAll, beforeAll, beforeEach, describe, expect, it} from 'vitest';
import {takeBackup, type BackupResult} from '../../../src/backup/backup.ts';
import {NoRoomError} from '../../../src/backup/errors.ts';
import {FileStore} from '../../../src/backup/file-store.ts';
import {newName} from '../../../src/backup/manifest.ts';
import {startPostgres, type TestPostgres} from '../../support/postgres.ts';
import {startProgram} from '../../support/program.ts';
import {clockAt, contextFor, databaseWith, DAY, temporaryDirectory} from './fixtures.ts';

let postgres: TestPostgres;
let source: string;
let root: string;
let directory: string;
let old: string;
let young: BackupResult;
beforeAll(async () => {
  postgres = await startPostgres();
  source = await databaseWith(postgres, 300);
  root = await temporaryDirectory();
});
afterAll(async () => {
  await postgres.close();
  await rm(root, {recursive: true});
});
beforeEach(async () => {
  directory = join(root, Math.random().toString(36).slice(2));
  young = await takeBackup(contextFor(source, directory, {clock: clockAt(Date.now() - 20 * DAY)}));
  old = await large(180 * 1024, Date.now() - 45 * DAY);
});

/** A backup of that size and time. */
async function large(sizeBytes: number, at: number): Promise<string> {
  const name = newName('auth-prod', at);
  const data = randomBytes(sizeBytes);
  const time = new Date(at).toISOString();
  const sha256 = createHash('sha256').update(data).digest('hex');
  const manifest = {...young.manifest, name, startedAt: time, completedAt: time, sizeBytes, sha256};
  await writeFile(join(directory, `${name}.sql.gz`), data);
  await writeFile(join(directory, `${name}.manifest.json`), JSON.stringify(manifest));
  return name;
}

const holds = async (name: string): Promise<boolean> =>
  (await readdir(directory)).includes(`${name}.manifest.json`);

it('a disk that is full of old backups takes the next one at the second attempt', async () => {
  const full = join(root, 'full');
  await mkdir(full);
  // In a mount namespace of its own, a disk stands there with room for what is there and no more.
  const script =
    `mount -t tmpfs -o size=256k tmpfs ${full} && cp ${directory}/* ${full} && ` +
    `{ "$@"; echo "first: $?"; "$@"; code=$?; ls ${full} | sed 's/^/left: /'; exit $code; }`;
  const through = ['unshare', '--mount', ...(process.getuid?.() === 0 ? [] : ['--map-root-user'])];
  const env = {DATABASE_URL: source, BACKUP_NAME_PREFIX: 'auth-prod', BACKUP_DESTINATION: `file://${full}`};
  const {ended} = await startProgram(['backup'], env, {through: [...through, 'sh', '-c', script, 'sh']});
  const run = await ended;
  expect(run.output).toMatch(
    /no space is left \(ENOSPC\); what was past its time was removed to make room \(1\)/,
  );
  expect(run.output).toContain('first: 1');
  expect(run.outcome).toMatchObject({ok: true});
  expect(run.output).not.toContain(`left: ${old}`);
  expect(run.output).toContain(`left: ${young.manifest.name}.manifest.json`);
});

describe('where a backup finds no room', () => {
  const attempt = (): Promise<BackupResult> => {
    const store = Object.assign(new FileStore(directory), {
      write: () => Promise.reject(new NoRoomError('no room', 'Enlarge it')),
    });
    return takeBackup({...contextFor(source, directory), store});
  };

  it('what is past its time goes, and never the newest', async () => {
    await rm(join(directory, `${young.manifest.name}.manifest.json`));
    const older = await large(10, Date.now() - 60 * DAY);
    await expect(attempt()).rejects.toMatchObject({
      reason: 'BackupStorageUnavailable',
      hint: expect.stringMatching(/^Run it again.*Enlarge it, or shorten the retention/),
    });
    expect([await holds(old), await holds(older)]).toEqual([true, false]);
  });

  it('nothing goes while the newest is not what its manifest says', async () => {
    const {name, sizeBytes} = young.manifest;
    await writeFile(join(directory, `${name}.sql.gz`), randomBytes(sizeBytes));
    await expect(attempt()).rejects.toMatchObject({message: 'no room'});
    expect(await holds(old)).toBe(true);
  });

  it('nor where the clock is ahead by more than it may', async () => {
    const context = contextFor(source, directory, {clock: clockAt(Date.now() + 365 * DAY)});
    const store = Object.assign(new FileStore(directory), {
      write: () => Promise.reject(new NoRoomError('no room', 'Enlarge it')),
    });
    await expect(takeBackup({...context, store})).rejects.toMatchObject({message: 'no room'});
    expect(await holds(old)).toBe(true);
  });
});
