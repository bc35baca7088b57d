import {createGunzip} from 'node:zlib';
import type {Client} from 'pg';
import {createClient} from '../database/pool.ts';
import {quoted} from '../database/quoted.ts';
import {parseDatabaseUrl} from '../database/url.ts';
import type {Logger} from '../support/logging.ts';
import type {BackupContext} from './backup.ts';
import {instancesIn, readCatalogue, readManifest} from './catalogue.ts';
import {BackupError} from './errors.ts';
import {dataName, nameFrom, type Manifest} from './manifest.ts';
import {toolVersion} from './postgres-tools.ts';
import {runScript, WHO_AM_I} from './restore-run.ts';
import {newestOf} from './retention.ts';
import {framed, verification} from './restore-script.ts';
import {prepareTarget} from './restore-target.ts';
import type {Store} from './store.ts';
import {drain, Meter, transformed} from './streams.ts';

/** A backup that was restored. */
export interface RestoreResult {
  readonly manifest: Manifest;
  readonly location: string;
  /** What was left undone beside it, where something was: the restore itself is good. */
  readonly warning: string | undefined;
}

/**
 * Restores a backup into a database without a FraiseQLAuth schema, or with one that nothing has been written to yet. All
 * of it is one transaction, the comparison with the manifest's row counts included: whatever goes wrong, the database is
 * as it was. Throws BackupError or DatabaseError; once it is committed it throws no more.
 */
export async function restoreBackup(context: BackupContext, from: string): Promise<RestoreResult> {
  const {settings, store, logger, signal} = context;
  const target = parseDatabaseUrl(settings.databaseUrl);
  await store.check('read');
  const manifest = await findBackup(context, from);
  await toolVersion('psql');
  const location = store.location(dataName(manifest.name));
  const client = createClient(target.url, {
    connectTimeoutMs: 10_000,
    statementTimeoutMs: settings.timeoutMs,
    applicationName: 'fraiseql-auth restore',
  });
  client.on('error', (error) => logger.debug({err: error}, 'the connection broke'));
  try {
    const state = await prepareTarget(client, target, manifest);
    logger.info({location, sizeBytes: manifest.sizeBytes}, 'comparing the checksum');
    await drain(whole(store, manifest, signal));
    logger.info({location, database: target.display}, 'restoring');
    const dump = transformed(whole(store, manifest, signal), createGunzip());
    const {serverMajor, hasSchema, clearing} = state;
    await runScript({
      target,
      name: manifest.name,
      script: framed(dump, {
        serverMajor,
        hasSchema,
        opening: `${WHO_AM_I}\n${clearing}`,
        closing: verification(manifest),
      }),
      signal,
      logger,
    });
    return {manifest, location, warning: await refreshStatistics(client, manifest, logger)};
  } finally {
    await client.end();
  }
}

/** The backup that `from` names: `latest`, or a name, or a location below the destination. */
async function findBackup(context: BackupContext, from: string): Promise<Manifest> {
  const {settings, store, clock, signal, logger} = context;
  const wanted = from.trim();
  if (wanted === 'latest') {
    const {good, damaged, tooNew} = await readCatalogue(store, settings.instance, signal);
    for (const {name, problem} of damaged) logger.warn({name, problem}, 'a damaged backup was passed over');
    const newest = newestOf(good, clock.now());
    // A name has the time in it. What is older than a backup that can be read is not the latest.
    const newer = tooNew.findLast(({name}) => newest === undefined || name > newest.name);
    if (newer) throw newer.error;
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

/** A fresh table has no statistics, and the first queries would be planned badly: a warning where that stays so. */
async function refreshStatistics(
  client: Client,
  manifest: Manifest,
  logger: Logger,
): Promise<string | undefined> {
  try {
    for (const table of Object.keys(manifest.rowCounts))
      await client.query(`ANALYZE _system.${quoted(table)}`);
    return undefined;
  } catch (error) {
    const said = error instanceof Error ? error.message : 'unknown error';
    const warning = `the sessions are restored; ANALYZE failed, and queries may be slow until autovacuum has run: ${said}`;
    logger.warn({err: error}, warning);
    return warning;
  }
}
