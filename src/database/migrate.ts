import {readdir} from 'node:fs/promises';
import {join} from 'node:path';
import {runner} from 'node-pg-migrate';
import type {Client} from 'pg';
import {sleep, type Clock} from '../support/clock.ts';
import type {Logger} from '../support/logging.ts';
import {databaseFault, DatabaseError, errorCode} from './errors.ts';
import {explain} from './explain.ts';
import {explainLocked} from './locks.ts';
import {createClient} from './pool.ts';
import {quoted} from './quoted.ts';
import {appliedMigrations, MIGRATION_LOCK, MIGRATIONS_TABLE, versionOf} from './schema.ts';
import {serverProblem} from './server-version.ts';
import {differencesFromGuide, readSessionsTable} from './sessions-table.ts';
import {parseDatabaseUrl, type DatabaseTarget} from './url.ts';

export interface MigrateOptions {
  readonly url: string;
  /** How long all of it may take, the wait for another migration included. */
  readonly timeoutMs: number;
  /** How long to wait first for a database that does not answer yet. */
  readonly waitMs: number;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly signal?: AbortSignal;
  /** Where the SQL files are; beside this module, or beside the bundle that it became part of. */
  readonly directory?: string;
}

/** What was done: the schema's version before and after ("0": none), and the migrations between. */
export interface MigrateResult {
  readonly from: string;
  readonly schema: string;
  readonly applied: readonly string[];
  /** What will go wrong later with this server, backups for example. */
  readonly warning?: string;
}

/** Where the migrations are, both in the sources and in the bundle. */
export const MIGRATIONS_DIRECTORY = join(import.meta.dirname, 'migrations');

/** How long one statement waits for a table in use before it gives way: others queue behind a waiting ALTER. */
const LOCK_TIMEOUT_MS = 15_000;
const RETRY_MS = 500;
/** A statement that nobody is there to end any more, the server ends itself, so long after the time of the whole. */
const LAST_MS = 5_000;

/**
 * Brings the schema up to this version. May be run at any time and by several at once: one works, the others wait and
 * then find nothing to do. Each migration is one transaction, so that whatever ends this leaves it before or after.
 * Throws DatabaseError.
 */
export async function migrateDatabase(options: MigrateOptions): Promise<MigrateResult> {
  const target = parseDatabaseUrl(options.url);
  const client = await connectPatiently(options);
  const deadline = new AbortController();
  const timer = options.clock.setTimeout(() => {
    deadline.abort(timedOut(options.timeoutMs));
  }, options.timeoutMs);
  const signal = options.signal ? AbortSignal.any([options.signal, deadline.signal]) : deadline.signal;
  try {
    return await cancellable(client, options, signal, () => migrateOn(client, target, options));
  } catch (error) {
    if (signal.aborted && signal.reason instanceof Error) throw explain(signal.reason, target);
    throw await explainLocked(error, client, target);
  } finally {
    timer.cancel();
    // Ends the session, and with it an open transaction and the lock.
    await client
      .end()
      .catch((error: unknown) => options.logger.debug({err: error}, 'closing the connection'));
  }
}

async function migrateOn(
  client: Client,
  target: DatabaseTarget,
  options: MigrateOptions,
): Promise<MigrateResult> {
  await noticeDeadClient(client);
  await client.query('SELECT pg_advisory_lock($1)', [MIGRATION_LOCK]);
  await client.query(`SET lock_timeout = ${LOCK_TIMEOUT_MS}`);
  const warning = await warnOfServer(client, options.logger);
  const directory = options.directory ?? MIGRATIONS_DIRECTORY;
  const known = await migrationNames(directory);
  const before = await appliedMigrations(client);
  const from = versionOf(before.at(-1));
  const pending = known.filter((name) => !before.includes(name));
  refuseUnknown(before, known, pending);
  if (Number(from) > Number(versionOf(known.at(-1)))) tellNewer(from, options.logger);
  if (pending.length === 0) return {from, schema: from, applied: [], ...warning};
  await prepareSchema(client, target);
  if (before.length === 0) await refuseForeignSessions(client, target);
  await runner({
    dbClient: client,
    dir: directory,
    direction: 'up',
    migrationsSchema: '_system',
    migrationsTable: MIGRATIONS_TABLE,
    noLock: true,
    checkOrder: true,
    singleTransaction: false,
    migrationLoaderStrategies: [{extensions: ['.sql'], loader: 'legacySql'}],
    logger: quiet(options.logger),
  });
  return {from, schema: versionOf(known.at(-1)), applied: pending, ...warning};
}

/** Says beforehand what else would be found out by the first backup, at night. */
async function warnOfServer(client: Client, logger: Logger): Promise<{warning?: string}> {
  const {rows} = await client.query<{version: string; number: string}>(
    `SELECT current_setting('server_version') AS version, current_setting('server_version_num') AS number`,
  );
  const problem = serverProblem(Number(rows[0]?.number));
  if (!problem) return {};
  const warning = `PostgreSQL ${rows[0]?.version} ${problem.problem}. ${problem.hint}`;
  logger.warn(warning);
  return {warning};
}

/** The names of the migrations in a directory, in their order. */
export async function migrationNames(directory: string): Promise<string[]> {
  const files = await readdir(directory);
  return files
    .filter((file) => file.endsWith('.sql'))
    .map((file) => file.slice(0, -'.sql'.length))
    .sort();
}

/** A database that a later version has migrated is as good as ours: migrations only add, so that one can go back. */
function refuseUnknown(
  applied: readonly string[],
  known: readonly string[],
  pending: readonly string[],
): void {
  const unknown = applied.filter((name) => !known.includes(name));
  const newest = Number(versionOf(known.at(-1)));
  if (pending.length === 0 && unknown.every((name) => Number(versionOf(name)) > newest)) return;
  if (unknown.length === 0) return;
  throw new DatabaseError(
    'MigrationFailed',
    `the database has migrations that this program does not know: ${unknown.join(', ')}; nothing was done`,
    'Another program has used this database: give FraiseQLAuth a database of its own.',
  );
}

function tellNewer(found: string, logger: Logger): void {
  logger.warn(
    `the database has schema version ${found}, of a later version than this one: nothing is to be done, and this one works with it`,
  );
}

/** Makes the schema `_system` where it is missing, and says beforehand which privilege is. */
async function prepareSchema(client: Client, target: DatabaseTarget): Promise<void> {
  const {rows} = await client.query<{exists: boolean; inSchema: boolean | null; inDatabase: boolean}>(
    `SELECT n.oid IS NOT NULL AS exists,
            has_schema_privilege(n.oid, 'USAGE') AND has_schema_privilege(n.oid, 'CREATE') AS "inSchema",
            has_database_privilege(current_database(), 'CREATE') AS "inDatabase"
       FROM (SELECT 1) AS one LEFT JOIN pg_namespace n ON n.nspname = '_system'`,
  );
  const state = rows[0];
  if (state?.exists) {
    if (state.inSchema) return;
    throw new DatabaseError(
      'DatabasePermissionDenied',
      `user "${target.user}" may not create tables in schema _system of database "${target.database}"`,
      `As the schema's owner run: GRANT USAGE, CREATE ON SCHEMA _system TO ${quoted(target.user)};`,
    );
  }
  if (!state?.inDatabase) {
    throw new DatabaseError(
      'DatabasePermissionDenied',
      `user "${target.user}" may not create the schema _system in database "${target.database}"`,
      `As a superuser run there: CREATE SCHEMA _system AUTHORIZATION ${quoted(target.user)};`,
    );
  }
  await client.query('CREATE SCHEMA _system');
}

async function refuseForeignSessions(client: Client, target: DatabaseTarget): Promise<void> {
  const table = await readSessionsTable(client);
  if (!table) return;
  const differences = differencesFromGuide(table);
  if (differences.length > 0) {
    throw new DatabaseError(
      'MigrationFailed',
      `_system.sessions exists and is not the deployment guide's table: ${differences.join('; ')}; nothing was done`,
      'Alter the table to match, or rename it away (ALTER TABLE _system.sessions RENAME TO …) to have it made anew.',
    );
  }
  // Other tables refer to it, and triggers on it announce what changes.
  const {rows} = await client.query<{missing: string[]}>(
    `SELECT ARRAY(SELECT p FROM unnest('{REFERENCES,TRIGGER}'::text[]) AS p
                   WHERE NOT has_table_privilege('_system.sessions', p)) AS missing`,
  );
  const {missing = []} = rows[0] ?? {};
  if (missing.length > 0) {
    throw new DatabaseError(
      'DatabasePermissionDenied',
      `_system.sessions belongs to "${table.owner}", and user "${target.user}" lacks ${missing.join(' and ')} on it; nothing was done`,
      `As "${table.owner}" run: GRANT ALL PRIVILEGES ON TABLE _system.sessions TO ${quoted(target.user)};`,
    );
  }
}

/** Connects; while the database is away or starting, tries again until `waitMs` have passed. */
async function connectPatiently(options: MigrateOptions): Promise<Client> {
  const target = parseDatabaseUrl(options.url);
  const deadline = options.clock.monotonic() + options.waitMs;
  for (;;) {
    const client = connection(options);
    try {
      await client.connect();
      return client;
    } catch (error) {
      const fault = databaseFault(error);
      const mayPass = ['unreachable', 'read_only', 'timeout', 'too_many_connections'].includes(fault);
      const explained = explain(error, target);
      if (!mayPass || options.clock.monotonic() >= deadline) throw explained;
      options.logger.info({reason: explained.reason, cause: explained.message}, 'waiting for the database');
    }
    await sleep(options.clock, RETRY_MS, options.signal);
  }
}

function connection(options: MigrateOptions): Client {
  const client = createClient(options.url, {
    connectTimeoutMs: 5_000,
    // The time of the whole is over first: its end says so, a statement's only that it was cancelled.
    statementTimeoutMs: options.timeoutMs + LAST_MS,
    applicationName: 'fraiseql-auth db migrate',
  });
  client.on('error', (error) => options.logger.debug({err: error}, 'the connection broke'));
  return client;
}

/** Runs `work`; when the signal aborts, has the server end the session, whose statement would run on without us. */
async function cancellable<T>(
  client: Client,
  options: MigrateOptions,
  signal: AbortSignal,
  work: () => Promise<T>,
): Promise<T> {
  const {rows} = await client.query<{pid: number}>('SELECT pg_backend_pid() AS pid');
  const pid = rows[0]?.pid;
  let ending: Promise<void> | undefined;
  const cancel = (): void => {
    ending = endBackend(options, pid);
  };
  signal.throwIfAborted();
  signal.addEventListener('abort', cancel, {once: true});
  try {
    return await work();
  } finally {
    signal.removeEventListener('abort', cancel);
    await ending;
  }
}

async function endBackend(options: MigrateOptions, pid: number | undefined): Promise<void> {
  const second = connection(options);
  try {
    await second.connect();
    await second.query('SELECT pg_terminate_backend($1)', [pid]);
  } catch (error) {
    options.logger.warn({err: error}, 'the session of the statement under way could not be ended');
  } finally {
    await second
      .end()
      .catch((error: unknown) => options.logger.debug({err: error}, 'closing the connection'));
  }
}

/** Has the server look every two seconds whether this process still lives, so that a killed one holds no lock for long. */
async function noticeDeadClient(client: Client): Promise<void> {
  try {
    await client.query(`SET client_connection_check_interval = '2s'`);
  } catch (error) {
    // 22023: the server's platform cannot; 42704: a server or pooler that does not know it.
    const code = errorCode(error);
    if (code !== '22023' && code !== '42704') throw error;
  }
}

function timedOut(timeoutMs: number): DatabaseError {
  return new DatabaseError(
    'MigrationTimedOut',
    `the migration did not end within ${timeoutMs / 1_000} s and was taken back`,
    'Look for sessions that hold locks (SELECT * FROM pg_stat_activity), or raise the timeout (MIGRATION_TIMEOUT_SECONDS, spec.migrations.timeout).',
  );
}

/** The library's own log lines quote whole statements: they are for debugging. */
function quiet(logger: Logger): Record<'debug' | 'info' | 'warn' | 'error', (message: string) => void> {
  const log = (message: string): void => logger.debug(message.trim());
  return {debug: log, info: log, warn: log, error: log};
}
