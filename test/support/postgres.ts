import {spawn, type ChildProcess} from 'node:child_process';
import {randomBytes} from 'node:crypto';
import {existsSync, readFileSync, rmSync} from 'node:fs';
import {chown, mkdtemp, readdir, rm, writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {delimiter, join} from 'node:path';
import {setTimeout as delay} from 'node:timers/promises';
import {Client, type QueryResult} from 'pg';
import {freePort} from './ports.ts';

/** A real PostgreSQL server of its own, on a free port of loopback, thrown away at the end. */
export interface TestPostgres {
  /** The database `fraiseql`, as the application's role, which owns it and is no superuser. */
  readonly url: string;
  /** The database `postgres`, as the superuser. */
  readonly adminUrl: string;
  readonly host: string;
  readonly port: number;
  /** Where the server's programs are (pg_dump, pg_restore, psql among them). */
  readonly bin: string;
  /** The URL of another database, as the application's role. */
  databaseUrl(name: string): string;
  /** Makes an empty database that the application's role owns and gives its URL. */
  createDatabase(): Promise<string>;
  /** Runs statements as the superuser, in the given database (default `postgres`). */
  asSuperuser(sql: string, database?: string): Promise<QueryResult>;
  /** Ends the server at once, as a crash does: clients see their connections break, then refused. */
  stop(): Promise<void>;
  /** Starts it again, on the same port with the same data. */
  start(): Promise<void>;
  /** Ends it and removes its files. */
  close(): Promise<void>;
}

const APP_ROLE = 'fraiseql_app';

/**
 * Starts a server: about a second. Each test file starts its own and closes it in afterAll. A durable one waits for
 * the disk with every commit, as PostgreSQL does by default.
 */
export async function startPostgres(options: {durable?: boolean} = {}): Promise<TestPostgres> {
  const settings = options.durable === true ? DURABLE : FAST;
  const bin = await findBinaries();
  const account = unprivilegedAccount();
  const directory = await mkdtemp(join(tmpdir(), 'fraiseql-postgres-'));
  if (account) await chown(directory, account.uid, account.gid);
  const data = join(directory, 'data');
  const password = randomBytes(12).toString('base64url');
  const passwordFile = join(directory, 'password');
  await writeFile(passwordFile, password);
  if (account) await chown(passwordFile, account.uid, account.gid);
  const identity = {...(account ? {uid: account.uid, gid: account.gid} : {}), cwd: directory};
  let server: ChildProcess | undefined;
  let log = '';
  const killAtExit = (): void => {
    server?.kill('SIGKILL');
    rmSync(directory, {recursive: true, force: true, maxRetries: 3});
  };

  try {
    await run(
      join(bin, 'initdb'),
      [
        '-D',
        data,
        '-U',
        'postgres',
        '-A',
        'scram-sha-256',
        '--pwfile',
        passwordFile,
        '-E',
        'UTF8',
        '--locale',
        'C',
        '-N',
      ],
      identity,
    );
  } catch (error) {
    await rm(directory, {recursive: true, force: true});
    throw error;
  }
  process.on('exit', killAtExit);
  const port = await freePort();
  const urlFor = (role: string, database: string): string =>
    `postgres://${role}:${password}@127.0.0.1:${port}/${database}`;

  async function start(): Promise<void> {
    if (server) return;
    const child = spawn(
      join(bin, 'postgres'),
      [
        '-D',
        data,
        '-p',
        String(port),
        '-h',
        '127.0.0.1',
        '-k',
        directory,
        ...settings.flatMap((s) => ['-c', s]),
      ],
      {...identity, stdio: ['ignore', 'ignore', 'pipe']},
    );
    server = child;
    child.stderr.on('data', (chunk: Buffer) => {
      log = (log + chunk.toString()).slice(-20_000);
    });
    child.once('exit', () => {
      if (server === child) server = undefined;
    });
    await untilReady(
      () => server === child,
      urlFor('postgres', 'postgres'),
      () => log,
    );
  }

  async function stop(): Promise<void> {
    const child = server;
    if (!child) return;
    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGQUIT');
    await gone;
    server = undefined;
  }

  async function close(): Promise<void> {
    await stop();
    process.off('exit', killAtExit);
    await rm(directory, {recursive: true, force: true});
  }

  async function asSuperuser(sql: string, database = 'postgres'): Promise<QueryResult> {
    const client = new Client({connectionString: urlFor('postgres', database)});
    await client.connect();
    try {
      return await client.query(sql);
    } finally {
      await client.end();
    }
  }

  let databases = 0;
  async function createDatabase(): Promise<string> {
    databases++;
    const name = `test_${databases}`;
    await asSuperuser(`CREATE DATABASE ${name} OWNER ${APP_ROLE}`);
    return urlFor(APP_ROLE, name);
  }

  try {
    await start();
    await asSuperuser(`CREATE ROLE ${APP_ROLE} LOGIN PASSWORD '${password}'`);
    await asSuperuser(`CREATE DATABASE fraiseql OWNER ${APP_ROLE}`);
  } catch (error) {
    await close();
    throw error;
  }
  return {
    url: urlFor(APP_ROLE, 'fraiseql'),
    adminUrl: urlFor('postgres', 'postgres'),
    host: '127.0.0.1',
    port,
    bin,
    databaseUrl: (name) => urlFor(APP_ROLE, name),
    createDatabase,
    asSuperuser,
    stop,
    start,
    close,
  };
}

const FAST = [
  'fsync=off',
  'synchronous_commit=off',
  'full_page_writes=off',
  'shared_buffers=16MB',
  'max_connections=120',
  'autovacuum=off',
  'listen_addresses=127.0.0.1',
];

const DURABLE = ['shared_buffers=128MB', 'max_connections=120', 'listen_addresses=127.0.0.1'];

async function untilReady(alive: () => boolean, url: string, log: () => string): Promise<void> {
  const deadline = Date.now() + 30_000;
  for (;;) {
    if (!alive()) throw new Error(`PostgreSQL ended while it started:\n${log()}`);
    const client = new Client({connectionString: url, connectionTimeoutMillis: 2_000});
    try {
      await client.connect();
      await client.end();
      return;
    } catch (error) {
      if (Date.now() > deadline) throw new Error(`PostgreSQL did not come up:\n${log()}`, {cause: error});
    }
    await delay(20);
  }
}

/** The newest of Debian's, or what PATH has. */
async function findBinaries(): Promise<string> {
  const debian = '/usr/lib/postgresql';
  const versions = existsSync(debian) ? await readdir(debian) : [];
  const candidates = [
    ...(process.env['POSTGRES_BIN'] ? [process.env['POSTGRES_BIN']] : []),
    ...versions.sort((a, b) => Number(b) - Number(a)).map((version) => join(debian, version, 'bin')),
    ...(process.env['PATH'] ?? '').split(delimiter),
  ];
  const found = candidates.find((directory) => existsSync(join(directory, 'initdb')));
  if (found) return found;
  throw new Error(
    'The tests need a PostgreSQL server of their own (14 or later) and found no initdb in /usr/lib/postgresql/*/bin ' +
      'or PATH. On Debian: apt-get install --no-install-recommends postgresql. Elsewhere set POSTGRES_BIN to the directory.',
  );
}

/** PostgreSQL refuses to run as root: then it runs as postgres, or as nobody. */
function unprivilegedAccount(): {uid: number; gid: number} | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const accounts = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'));
  const entry =
    accounts.find(([name]) => name === 'postgres') ?? accounts.find(([name]) => name === 'nobody');
  if (!entry)
    throw new Error(
      'PostgreSQL cannot run as root, and there is no account postgres or nobody to run it as.',
    );
  return {uid: Number(entry[2]), gid: Number(entry[3])};
}

function run(
  command: string,
  args: string[],
  options: {uid?: number; gid?: number; cwd: string},
): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {...options, stdio: ['ignore', 'pipe', 'pipe']});
    let output = '';
    const collect = (chunk: Buffer): void => {
      output += chunk.toString();
    };
    child.stdout.on('data', collect);
    child.stderr.on('data', collect);
    child.once('error', reject);
    child.once('close', (code) => {
      if (code === 0) resolve();
      else reject(new Error(`${command} ended with ${code}:\n${output}`));
    });
  });
}
