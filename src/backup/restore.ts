import {spawn} from 'node:child_process';
import {once} from 'node:events';
import {createGunzip} from 'node:zlib';
import {Client} from 'pg';
import {explain} from '../database/explain.ts';
import {MIGRATION_LOCK} from '../database/schema.ts';
import {clientOptions} from '../database/pool.ts';
import {parseDatabaseUrl, type DatabaseTarget} from '../database/url.ts';
import type {BackupContext} from './backup.ts';
import {instancesIn, readCatalogue, readManifest} from './catalogue.ts';
import {BackupError} from './errors.ts';
import {dataName, nameFrom, type Manifest} from './manifest.ts';
import {
  complaint,
  exitOf,
  majorOf,
  notStarted,
  tail,
  toolEnvironment,
  toolVersion,
} from './postgres-tools.ts';
import {newestOf} from './retention.ts';
import {framed, verification} from './restore-script.ts';
import type {Store} from './store.ts';
import {drain, Meter, transformed} from './streams.ts';

export interface RestoreResult {
  readonly manifest: Manifest;
  readonly location: string;
}

/**
 * Restores a backup into a database without a FraiseQLAuth schema. All of it is one transaction, the comparison with
 * the manifest's row counts included: whatever goes wrong, the database is as it was. Throws BackupError or
 * DatabaseError.
 */
export async function restoreBackup(context: BackupContext, from: string): Promise<RestoreResult> {
  const {settings, store, logger, signal} = context;
  const target = parseDatabaseUrl(settings.databaseUrl);
  await store.check();
  const manifest = await findBackup(context, from);
  await toolVersion('psql');
  const location = store.location(dataName(manifest.name));
  const client = new Client(
    clientOptions(target.url, {
      connectTimeoutMs: 10_000,
      statementTimeoutMs: settings.timeoutMs,
      applicationName: 'fraiseql-auth restore',
    }),
  );
  client.on('error', (error) => logger.debug({err: error}, 'the connection broke'));
  try {
    const state = await prepareTarget(client, target, manifest);
    logger.info({location, sizeBytes: manifest.sizeBytes}, 'comparing the checksum');
    await drain(whole(store, manifest, signal));
    logger.info({location, database: target.display}, 'restoring');
    await apply(context, target, manifest, state);
    await refreshStatistics(client, target, manifest);
    return {manifest, location};
  } finally {
    await client.end();
  }
}

/** The backup that `from` names: `latest`, or a name, or a location below the destination. */
async function findBackup(context: BackupContext, from: string): Promise<Manifest> {
  const {settings, store, signal, logger} = context;
  const wanted = from.trim();
  if (wanted === 'latest') {
    const {good, damaged} = await readCatalogue(store, settings.instance, signal);
    for (const {name, problem} of damaged) logger.warn({name, problem}, 'a damaged backup was passed over');
    const newest = newestOf(good);
    if (newest) return newest.manifest;
    const others = (await instancesIn(store)).filter((each) => each !== settings.instance);
    throw new BackupError(
      'BackupNotFound',
      `${store.place} holds no good backup of ${settings.instance}${others.length > 0 ? `, but of ${listed(others)}` : ''}`,
      'Check BACKUP_DESTINATION; set BACKUP_NAME_PREFIX to the instance whose newest backup is wanted, or name a backup with --from.',
    );
  }
  const name = nameFrom(wanted);
  if (wanted.includes('://') && wanted !== store.location(wanted.slice(wanted.lastIndexOf('/') + 1))) {
    throw new BackupError(
      'BackupNotFound',
      `${wanted} is not in ${store.place}`,
      'Set BACKUP_DESTINATION to the place that holds the backup, and name the backup with --from.',
    );
  }
  const manifest = /^[A-Za-z0-9._-]+$/.test(name) ? await readManifest(store, name, signal) : undefined;
  if (manifest) return manifest;
  throw new BackupError(
    'BackupNotFound',
    `${store.place} holds no complete backup named ${name}`,
    'List the place: a backup is complete where its .manifest.json stands beside it. `--from latest` takes the newest.',
  );
}

const LISTED = 5;

function listed(names: readonly string[]): string {
  const more = names.length - LISTED;
  return `${names.slice(0, LISTED).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}

interface TargetState {
  readonly serverMajor: number;
  /** Schema `_system` is there, empty: an administrator made it for this user. */
  readonly hasSchema: boolean;
}

async function prepareTarget(
  client: Client,
  target: DatabaseTarget,
  manifest: Manifest,
): Promise<TargetState> {
  let state: {version: string; hasSchema: boolean; relations: string; locked: boolean} | undefined;
  try {
    await client.connect();
    const {rows} = await client.query<NonNullable<typeof state>>(
      `SELECT current_setting('server_version') AS version, pg_try_advisory_lock($1) AS locked,
              EXISTS (SELECT 1 FROM pg_namespace WHERE nspname = '_system') AS "hasSchema",
              (SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                WHERE n.nspname = '_system') AS relations`,
      [MIGRATION_LOCK],
    );
    state = rows[0];
  } catch (error) {
    throw explain(error, target, 'DatabaseUnreachable');
  }
  if (!state || Number(state.relations) > 0) {
    throw new BackupError(
      'RestoreTargetNotEmpty',
      `database "${target.database}" has a schema _system that is not empty; nothing was done`,
      'Restore into a fresh database: CREATE DATABASE …; and name it in the database URL.',
    );
  }
  if (!state.locked) {
    throw new BackupError(
      'RestoreFailed',
      `a migration or another restore is at work in database "${target.database}"; nothing was done`,
      'Wait for it to end; a restore wants the database for itself.',
    );
  }
  const serverMajor = majorOf(state.version);
  if (serverMajor < majorOf(manifest.serverVersion)) {
    throw new BackupError(
      'RestoreFailed',
      `the backup is of PostgreSQL ${manifest.serverVersion}, this server is ${state.version}; nothing was done`,
      `Restore into PostgreSQL ${majorOf(manifest.serverVersion)} or later.`,
    );
  }
  return {serverMajor, hasSchema: state.hasSchema};
}

/** The stored bytes, all of them and unaltered: throws at their end where they are not. */
async function* whole(store: Store, manifest: Manifest, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  const name = dataName(manifest.name);
  const content = await store.read(name, signal);
  if (!content) {
    throw new BackupError(
      'BackupNotFound',
      `the data of backup ${manifest.name} is missing: there is only its manifest`,
      'Take another backup: `--from latest` takes the newest good one.',
    );
  }
  const meter = new Meter();
  for await (const chunk of meter.through(content)) {
    signal.throwIfAborted();
    yield chunk;
  }
  const {sizeBytes, sha256} = meter.total();
  if (sizeBytes === manifest.sizeBytes && sha256 === manifest.sha256) return;
  throw new BackupError(
    'ChecksumMismatch',
    `backup ${manifest.name} is damaged: ${
      sizeBytes === manifest.sizeBytes
        ? 'its SHA-256 is not the manifest’s'
        : `it has ${sizeBytes} bytes, its manifest says ${manifest.sizeBytes}`
    }; nothing was done`,
    'Take another backup with --from NAME, and check the storage that holds this one.',
  );
}

/**
 * Feeds the dump to psql between BEGIN and COMMIT. The COMMIT is sent only when everything before it has been read
 * and compared; however this side dies, psql sees its input end without it, and the server takes everything back.
 */
async function apply(
  context: BackupContext,
  target: DatabaseTarget,
  manifest: Manifest,
  state: TargetState,
): Promise<void> {
  const {store, signal} = context;
  signal.throwIfAborted();
  const child = spawn(
    'psql',
    ['--no-psqlrc', '--quiet', '--no-password', '--set=ON_ERROR_STOP=1', '--file=-'],
    {
      env: toolEnvironment(target, 'restore'),
      stdio: ['pipe', 'ignore', 'pipe'],
    },
  );
  const ended = exitOf(child);
  const errors = tail(child.stderr);
  const stop = (): void => {
    child.kill('SIGKILL');
  };
  signal.addEventListener('abort', stop, {once: true});
  let refused = false;
  child.stdin.on('error', () => {
    // psql ended before it had read all: its exit code and its complaint say why.
    refused = true;
  });
  try {
    const script = framed(transformed(whole(store, manifest, signal), createGunzip()), {
      ...state,
      closing: verification(manifest),
    });
    for await (const chunk of script) {
      if (refused || child.exitCode !== null || child.signalCode !== null) break;
      if (!child.stdin.write(chunk)) await Promise.race([once(child.stdin, 'drain'), ended]);
    }
  } catch (error) {
    child.kill('SIGKILL');
    await ended;
    throw error;
  } finally {
    signal.removeEventListener('abort', stop);
  }
  child.stdin.end();
  const {code, failure, signal: killed} = await ended;
  signal.throwIfAborted();
  if (failure) throw notStarted('psql', failure);
  if (code === 0) return;
  const said = complaint(errors(), target) || `ended by ${killed ?? `code ${code}`}`;
  throw new BackupError(
    'RestoreFailed',
    `psql could not restore ${manifest.name}: ${said}; the database is as it was`,
    said.includes('permission denied')
      ? `Let the user create there: GRANT CREATE ON DATABASE "${target.database}" TO "${target.user}"; or make it the owner.`
      : 'Restore into a fresh, empty database: CREATE DATABASE …;',
  );
}

/** A fresh table has no statistics, and the first queries would be planned badly. */
async function refreshStatistics(client: Client, target: DatabaseTarget, manifest: Manifest): Promise<void> {
  try {
    for (const table of Object.keys(manifest.rowCounts)) await client.query(`ANALYZE _system."${table}"`);
  } catch (error) {
    throw explain(error, target, 'MigrationFailed');
  }
}
