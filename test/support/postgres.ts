import {randomBytes} from 'node:crypto';
import {rmSync} from 'node:fs';
import {chown, mkdtemp, rm, writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {Client, type QueryResult} from 'pg';
import {freePort} from './ports.ts';
import {
  findBinaries,
  postgresProcess,
  run,
  unprivilegedAccount,
  type PostgresProcess,
} from './postgres-process.ts';

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

export const APP_ROLE = 'fraiseql_app';

/**
 * Starts a server: about a second, so that a test file that needs no more than a database takes one of the server that
 * all share (shared-postgres.ts). A durable one waits for the disk with every commit, as PostgreSQL does by default.
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
  let server: PostgresProcess | undefined;
  const killAtExit = (): void => {
    server?.kill();
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

  const started = postgresProcess({
    bin,
    data,
    sockets: directory,
    port,
    settings,
    identity,
    url: urlFor('postgres', 'postgres'),
  });
  server = started;

  async function close(): Promise<void> {
    await started.stop();
    process.off('exit', killAtExit);
    await rm(directory, {recursive: true, force: true});
  }

  function asSuperuser(sql: string, database = 'postgres'): Promise<QueryResult> {
    return runSql(urlFor('postgres', database), sql);
  }

  let databases = 0;
  async function createDatabase(): Promise<string> {
    databases++;
    const name = `test_${databases}`;
    await asSuperuser(`CREATE DATABASE ${name} OWNER ${APP_ROLE}`);
    return urlFor(APP_ROLE, name);
  }

  try {
    await started.start();
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
    stop: () => started.stop(),
    start: () => started.start(),
    close,
  };
}

/** Runs statements on a connection of their own. */
export async function runSql(connectionString: string, sql: string): Promise<QueryResult> {
  const client = new Client({connectionString});
  await client.connect();
  try {
    return await client.query(sql);
  } finally {
    await client.end();
  }
}

const FAST = [
  'fsync=off',
  'synchronous_commit=off',
  'full_page_writes=off',
  'shared_buffers=16MB',
  // Several test files at once, with several servers each.
  'max_connections=400',
  'autovacuum=off',
  'listen_addresses=127.0.0.1',
];

/** What a server that waits for the disk is started with. */
export const DURABLE = ['shared_buffers=128MB', 'max_connections=120', 'listen_addresses=127.0.0.1'];
