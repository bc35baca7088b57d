import {mkdir, readdir, rm, writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import {Writable} from 'node:stream';
import {Client} from 'pg';
import {pino} from 'pino';
import {afterAll, beforeAll, beforeEach, describe, expect, it} from 'vitest';
import {takeBackup} from '../../../src/backup/backup.ts';
import {FileStore} from '../../../src/backup/file-store.ts';
import {startPostgres, type TestPostgres} from '../../support/postgres.ts';
import {startProgram, type ProgramRun} from '../../support/program.ts';
import {
  backupProcess,
  contextFor,
  databaseWith,
  fakeTool,
  nameOf,
  temporaryDirectory,
  until,
} from './fixtures.ts';

let postgres: TestPostgres;
let source: string;
let root: string;
let directory: string;
let good: string[];
beforeAll(async () => {
  postgres = await startPostgres();
  source = await databaseWith(postgres, 200);
  root = await temporaryDirectory();
});
afterAll(async () => {
  await postgres.close();
  await rm(root, {recursive: true});
});
beforeEach(async () => {
  // Each failure happens beside a good backup, which must not suffer from it.
  directory = join(root, Math.random().toString(36).slice(2));
  await takeBackup(contextFor(source, directory));
  good = (await readdir(directory)).sort();
});

/** How a run ended, and what the directory holds afterwards. */
async function result(run: ProgramRun): Promise<unknown> {
  const leaks = run.output.includes(new URL(source).password);
  return {code: run.code, leaks, outcome: run.outcome, stored: (await readdir(directory)).sort()};
}

/** What `result` is of a run that failed as it should. */
function failure(reason: string, message: RegExp): object {
  const text = expect.stringMatching(message) as string;
  const hint = expect.stringMatching(/\S/) as string;
  return {
    code: 1,
    leaks: false,
    outcome: {ok: false, kind: 'backup', reason, message: text, hint},
    stored: good,
  };
}

describe('a backup fails, and leaves nothing, when pg_dump', () => {
  it.each([
    ['is killed half-way', '"$REAL" "$@" | head -c 3000; kill -9 $$', /pg_dump was killed by SIGKILL/],
    [
      'ends badly after all of it',
      '"$REAL" "$@"; echo "pg_dump: error: the last word" >&2; exit 1',
      /code 1: pg_dump: error: the last word/,
    ],
    ['says nothing and fails', 'exit 3', /pg_dump ended with code 3/],
    ['gives half of it and claims success', '"$REAL" "$@" | head -c 3000; exit 0', /not a whole dump/],
    ['claims success and gives nothing', 'exit 0', /not a whole dump/],
  ])('%s', async (_name, script, message) => {
    const fake = await fakeTool(postgres, script);
    const run = await backupProcess(source, {BACKUP_DESTINATION: `file://${directory}`}, fake);
    expect(await result(run)).toEqual(failure('BackupFailed', message));
  });

  it('is not installed', async () => {
    const {ended} = await startProgram(['backup'], {
      DATABASE_URL: source,
      BACKUP_DESTINATION: `file://${directory}`,
      PATH: '/nowhere',
    });
    expect(await result(await ended)).toEqual(failure('BackupFailed', /pg_dump cannot be started/));
  });

  it('may not read a table', async () => {
    const url = await databaseWith(postgres, 1);
    await postgres.asSuperuser('CREATE TABLE public.hidden ()', nameOf(url));
    const run = await backupProcess(url, {BACKUP_DESTINATION: `file://${directory}`});
    expect(await result(run)).toEqual(failure('BackupFailed', /permission denied for table hidden/));
  });
});

describe('a backup under way, held up by a lock, ends', () => {
  /** Starts a backup that waits for a table, and does something to it. */
  async function interrupted(
    env: Record<string, string>,
    act: (child: {kill(signal: NodeJS.Signals): boolean}) => Promise<void>,
  ): Promise<ProgramRun> {
    const url = await databaseWith(postgres, 10);
    await postgres.asSuperuser('SET ROLE fraiseql_app; CREATE TABLE public.busy ()', nameOf(url));
    const holder = new Client({connectionString: url});
    holder.on('error', () => undefined);
    await holder.connect();
    await holder.query('BEGIN; LOCK TABLE public.busy IN ACCESS EXCLUSIVE MODE');
    const {child, ended} = await startProgram(['backup'], {
      DATABASE_URL: url,
      BACKUP_DESTINATION: `file://${directory}`,
      BACKUP_NAME_PREFIX: 'auth-prod',
      ...env,
    });
    let over = false;
    void ended.finally(() => {
      over = true;
    });
    // Where it is the time that ends it, a busy machine may have spent that before the lock is met.
    await until(async () => over || (await dumping(url)) === 1);
    await act(child);
    const run = await ended;
    if (postgresRuns) {
      await until(async () => (await dumping(url)) === 0);
      await holder.end();
    }
    return run;
  }
  let postgresRuns = true;

  async function dumping(url: string): Promise<number> {
    const {rows} = await postgres.asSuperuser(
      `SELECT count(*)::int AS found FROM pg_stat_activity
        WHERE datname = '${nameOf(url)}' AND wait_event_type = 'Lock' AND application_name = 'fraiseql-auth backup'`,
    );
    return (rows[0] as {found: number}).found;
  }

  it('when its connection is cut', async () => {
    const run = await interrupted({}, async () => {
      await postgres.asSuperuser(
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
          WHERE wait_event_type = 'Lock' AND application_name = 'fraiseql-auth backup'`,
      );
    });
    expect(await result(run)).toEqual(
      failure('BackupFailed', /pg_dump ended with code 1: .*terminating connection/),
    );
  });

  it('when it is told to (SIGTERM)', async () => {
    const run = await interrupted({}, async (child) => {
      child.kill('SIGTERM');
    });
    expect(await result(run)).toEqual(failure('BackupFailed', /stopped by SIGTERM/));
  });

  it('when its time is up', async () => {
    const run = await interrupted({BACKUP_TIMEOUT_SECONDS: '2'}, async () => undefined);
    expect(await result(run)).toEqual(failure('BackupFailed', /did not end within 2 s/));
    // The operator has a time of its own for it, which nobody can raise.
    expect(run.outcome).toMatchObject({hint: expect.stringContaining('by hand, BACKUP_TIMEOUT_SECONDS')});
  });

  it('when the database goes away', async () => {
    try {
      const run = await interrupted({}, async () => {
        postgresRuns = false;
        await postgres.stop();
      });
      expect(await result(run)).toEqual(failure('BackupFailed', /pg_dump ended with code 1/));
    } finally {
      await postgres.start();
      postgresRuns = true;
    }
  });
});

describe('a backup says what is wrong with', () => {
  const to = (destination: string): Record<string, string> => ({BACKUP_DESTINATION: destination});

  it('a full disk', async () => {
    await writeFile(join(root, 'placeholder'), '');
    const url = await databaseWith(postgres, 5_000);
    const full = join(root, 'full');
    await mkdir(full, {recursive: true});
    // In a mount namespace of its own, a disk of 256 KB stands there.
    const script = `mount -t tmpfs -o size=256k tmpfs ${full} && "$@"; code=$?; ls -A ${full} | sed 's/^/left: /'; exit $code`;
    const root0 = process.getuid?.() === 0 ? [] : ['--map-root-user'];
    const {ended} = await startProgram(
      ['backup'],
      {DATABASE_URL: url, ...to(`file://${full}`)},
      {through: ['unshare', '--mount', ...root0, 'sh', '-c', script, 'sh']},
    );
    const run = await ended;
    expect(await result(run)).toEqual(failure('BackupStorageUnavailable', /no space is left/));
    expect(run.output).not.toContain('left:');
  });

  it.each(['file:///dev/null/backups', 'file:///dev/null'])('%s, which is no directory', async (place) => {
    const run = await backupProcess(source, to(place));
    expect(await result(run)).toEqual(failure('BackupStorageUnavailable', /not a directory/));
  });

  it('a database that cannot be reached, a wrong password, and one without sessions', async () => {
    const destination = to(`file://${directory}`);
    const away = new URL(source);
    away.port = '1';
    expect(await result(await backupProcess(away.href, destination))).toEqual(
      failure('DatabaseUnreachable', /127\.0\.0\.1:1/),
    );
    const wrong = new URL(source);
    wrong.password = 'wrong';
    expect(await result(await backupProcess(wrong.href, destination))).toEqual(
      failure('DatabaseAuthenticationFailed', /refused user/),
    );
    const empty = await postgres.createDatabase();
    expect(await result(await backupProcess(empty, destination))).toEqual(
      failure('BackupFailed', /nothing to back up/),
    );
  });

  it('a variable that is missing', async () => {
    const run = await backupProcess(source, {});
    expect(await result(run)).toEqual(failure('BackupFailed', /BACKUP_DESTINATION must be/));
    // Whoever reads what to do needs no stack trace.
    expect(run.output).not.toMatch(/stack|\bat /);
  });
});

it('the first failure is told, though what it left cannot be removed', async () => {
  const store = new FileStore(directory);
  async function* broken(): AsyncGenerator<Uint8Array> {
    yield Buffer.from('half of it');
    // A directory stands where the file was.
    await rm(join(directory, 'x.partial'));
    await mkdir(join(directory, 'x.partial'));
    throw new Error('the first failure');
  }
  await expect(store.write('x', broken(), new AbortController().signal)).rejects.toThrow('the first failure');
});

it('storage that gives back something else is found at once, and the backup discarded', async () => {
  class Forgetful extends FileStore {
    override async read(name: string): Promise<AsyncIterable<Uint8Array> | undefined> {
      const content = await super.read(name);
      if (!content || !name.endsWith('.sql.gz')) return content;
      return (async function* () {
        for await (const chunk of content) yield chunk.subarray(1);
      })();
    }
  }
  const context = {...contextFor(source, directory), store: new Forgetful(directory)};
  await expect(takeBackup(context)).rejects.toMatchObject({reason: 'ChecksumMismatch'});
  expect((await readdir(directory)).sort()).toEqual(good);
});

it('a failed backup that cannot be removed either is told, and its failure stays what it was', async () => {
  const lines: string[] = [];
  const sink = new Writable({write: (chunk, _, done) => (lines.push(String(chunk)), done())});
  const context = contextFor(source.replace(/\/[^/]*$/, '/nowhere'), directory);
  const store = Object.assign(new FileStore(directory), {
    remove: () => Promise.reject(new Error('the disk is gone')),
  });
  await expect(takeBackup({...context, store, logger: pino({level: 'warn'}, sink)})).rejects.toMatchObject({
    reason: 'DatabaseNotFound',
  });
  expect(lines.join('')).toMatch(/the disk is gone.*could not be removed now/);
});
