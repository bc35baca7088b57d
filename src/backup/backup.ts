import {createGzip} from 'node:zlib';
import {parseDatabaseUrl} from '../database/url.ts';
import type {Clock} from '../support/clock.ts';
import type {Logger} from '../support/logging.ts';
import {VERSION} from '../support/version.ts';
import {readCatalogue, removeExpired} from './catalogue.ts';
import {dumpOf} from './dump.ts';
import {BackupError, NoRoomError} from './errors.ts';
import {dataName, manifestName, newName, type Manifest} from './manifest.ts';
import {majorOf, toolVersion} from './postgres-tools.ts';
import {newestOf} from './retention.ts';
import type {BackupSettings} from './settings.ts';
import {withSnapshot} from './snapshot.ts';
import type {Store} from './store.ts';
import {drain, Meter, oneChunk, transformed} from './streams.ts';

/** Session tables are mostly hashes, which hardly shrink: a higher level costs time and gains nothing. */
const GZIP_LEVEL = 4;
/** How far this clock may be ahead of the database's for backups to be removed by their age. */
const AHEAD_MS = 3_600_000;

/** What a backup and a restore work with. */
export interface BackupContext {
  readonly settings: BackupSettings;
  readonly store: Store;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly signal: AbortSignal;
}

/** A backup that was taken. */
export interface BackupResult {
  readonly manifest: Manifest;
  /** Where the dump is, as a URL. */
  readonly location: string;
  /** The backups that retention removed. */
  readonly removed: readonly string[];
  /** Why retention could not be kept, where it could not: the backup itself is good. */
  readonly warning: string | undefined;
}

/**
 * Takes a backup: dump, compress, store, read it again and compare, then write the manifest, which alone makes it a
 * backup; then remove those past their time. Throws BackupError or DatabaseError, and removes what it has stored as far as
 * the store lets it: the log tells of what stays until a later run removes it. Where there was no room for it, those
 * past their time are removed as well.
 */
export async function takeBackup(context: BackupContext): Promise<BackupResult> {
  const {settings, store, clock, logger, signal} = context;
  const startedAt = clock.now();
  const target = parseDatabaseUrl(settings.databaseUrl);
  await store.check('write');
  const pgDumpVersion = await toolVersion('pg_dump');
  const name = newName(settings.instance, startedAt);
  const seen: {aheadMs?: number} = {};
  try {
    const facts = await withSnapshot(target, settings.timeoutMs, async (snapshot) => {
      refuseOlderTool(pgDumpVersion, snapshot.serverVersion);
      const aheadMs = clock.now() - snapshot.countedAt;
      seen.aheadMs = aheadMs;
      logger.info({name, place: store.place, database: target.display}, 'dumping');
      const meter = new Meter();
      const gzip = createGzip({level: GZIP_LEVEL, chunkSize: 64 * 1024});
      const content = meter.through(transformed(dumpOf(target, snapshot.id, signal), gzip));
      await store.write(dataName(name), content, signal, snapshot.databaseBytes);
      return {...meter.total(), ...snapshot, aheadMs};
    });
    await compareStored(store, name, facts, signal);
    const manifest: Manifest = {
      version: 1,
      name,
      instance: settings.instance,
      startedAt: new Date(startedAt).toISOString(),
      completedAt: new Date(clock.now()).toISOString(),
      sizeBytes: facts.sizeBytes,
      sha256: facts.sha256,
      format: 'plain',
      compression: 'gzip',
      schemaVersion: facts.schemaVersion,
      serverVersion: facts.serverVersion,
      pgDumpVersion,
      programVersion: VERSION,
      rowCounts: facts.rowCounts,
    };
    await store.write(manifestName(name), oneChunk(`${JSON.stringify(manifest, null, 2)}\n`), signal);
    const retention =
      facts.aheadMs > AHEAD_MS ? wrongClock(context, facts.aheadMs) : await keepRetention(context);
    return {manifest, location: store.location(dataName(name)), ...retention};
  } catch (error) {
    await forget(context, name);
    const full = error instanceof NoRoomError && seen.aheadMs !== undefined && seen.aheadMs <= AHEAD_MS;
    throw full ? await roomMade(context, error) : error;
  }
}

/** Reads what was stored and compares it with what was sent: storage that lies is found now and not when it is needed. */
async function compareStored(
  store: Store,
  name: string,
  sent: {sizeBytes: number; sha256: string},
  signal: AbortSignal,
): Promise<void> {
  const content = await store.read(dataName(name), signal);
  const meter = new Meter();
  if (content) await drain(meter.through(content));
  const stored = meter.total();
  if (stored.sizeBytes !== sent.sizeBytes || stored.sha256 !== sent.sha256) {
    throw new BackupError(
      'ChecksumMismatch',
      `what ${store.place} gives back is not what was written (${stored.sizeBytes} of ${sent.sizeBytes} bytes)`,
      'Check the storage: it loses or alters data. This backup was discarded.',
    );
  }
}

type Retention = Pick<BackupResult, 'removed' | 'warning'>;

/** By a clock that is years ahead every backup but the newest is past its time. */
function wrongClock({logger}: BackupContext, aheadMs: number): Retention {
  const minutes = Math.round(aheadMs / 60_000);
  const warning = `no old backup was removed: the clock of this machine is ${minutes} minutes ahead of the database's. Correct whichever is wrong.`;
  logger.warn(warning);
  return {removed: [], warning};
}

async function keepRetention(context: BackupContext): Promise<Retention> {
  const {settings, store, clock, logger, signal} = context;
  const {removed, problems} = await removeExpired(store, settings.instance, {
    now: clock.now(),
    retentionMs: settings.retentionMs,
    signal,
  });
  if (removed.length > 0) logger.info({removed}, 'removed backups past their time');
  for (const problem of problems) logger.warn(problem);
  return {removed, warning: problems.length > 0 ? problems.join(' ') : undefined};
}

/**
 * Removes what is past its time, which else is done after a good backup, and there would be none any more. Before that
 * the newest, which stays, is read again: where it is not good, nothing is removed. Returns what is to be said.
 */
async function roomMade(context: BackupContext, full: NoRoomError): Promise<BackupError> {
  const {settings, store, clock, logger, signal} = context;
  try {
    const {good} = await readCatalogue(store, settings.instance, signal);
    const newest = newestOf(good, clock.now());
    if (newest) await compareStored(store, newest.name, newest.manifest, signal);
  } catch (error) {
    logger.warn(
      {err: error},
      'no old backup was removed to make room: the newest one is not known to be good',
    );
    return full;
  }
  const {removed} = await keepRetention(context);
  if (removed.length === 0) return full;
  return new BackupError(
    full.reason,
    `${full.message}; what was past its time was removed to make room (${removed.length})`,
    `Run it again, which the operator does by itself. Where that does not suffice: ${full.hint}`,
    full,
  );
}

/** Removes what a failed backup may have left. Where even that fails, a later run removes it. */
async function forget(context: BackupContext, name: string): Promise<void> {
  try {
    await context.store.remove(manifestName(name));
    await context.store.remove(dataName(name));
  } catch (error) {
    context.logger.warn({name, err: error}, 'what the failed backup left could not be removed now');
  }
}

function refuseOlderTool(pgDumpVersion: string, serverVersion: string): void {
  if (majorOf(pgDumpVersion) >= majorOf(serverVersion)) return;
  throw new BackupError(
    'BackupFailed',
    `pg_dump ${pgDumpVersion} cannot dump a server of version ${serverVersion}`,
    'Use an image whose PostgreSQL client programs are as new as the server.',
  );
}
