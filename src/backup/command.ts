import {systemClock} from '../support/clock.ts';
import {runJob, type Job, type JobKind} from '../support/job.ts';
import {takeBackup, type BackupContext} from './backup.ts';
import {BackupError, UncertainError, type BackupReason} from './errors.ts';
import {FileStore} from './file-store.ts';
import {restoreBackup} from './restore.ts';
import {backupSettingsFrom, type BackupSettings} from './settings.ts';
import type {Store} from './store.ts';

const BACKUP = {
  name: 'backup',
  reason: 'BackupFailed',
  interrupted: 'What was half-done does not count, and a later run removes it. Run it again.',
} as const satisfies JobKind;

const RESTORE = {
  name: 'restore',
  reason: 'RestoreFailed',
  interrupted: 'The database is as it was before. Run it again.',
} as const satisfies JobKind;

/** `fraiseql-auth backup`. Returns the exit code; the outcome goes to the log and to TERMINATION_LOG. */
export function backup(): Promise<number> {
  return runJob(BACKUP, (job) =>
    withStore(job, BACKUP.reason, async (context) => {
      const {manifest, location, removed, warning} = await takeBackup(context);
      const {sizeBytes, sha256, schemaVersion, serverVersion, startedAt, completedAt, rowCounts} = manifest;
      return {
        location,
        sizeBytes,
        sha256,
        schemaVersion,
        serverVersion,
        startedAt,
        completedAt,
        sessions: rowCounts['sessions'] ?? 0,
        removed: removed.length,
        ...(warning ? {warning} : {}),
      };
    }),
  );
}

/** `fraiseql-auth restore --from NAME|latest`. Returns the exit code; the outcome goes where that of `backup` goes. */
export function restore(options: {from: string}): Promise<number> {
  return runJob(RESTORE, (job) =>
    withStore(job, RESTORE.reason, async (context) => {
      const started = systemClock.monotonic();
      const {manifest, location, warning} = await restoreBackup(context, options.from);
      const {sizeBytes, sha256, schemaVersion, serverVersion, completedAt, rowCounts} = manifest;
      return {
        location,
        sizeBytes,
        sha256,
        schemaVersion,
        serverVersion,
        backupCompletedAt: completedAt,
        rowCounts,
        seconds: Math.round((systemClock.monotonic() - started) / 100) / 10,
        ...(warning ? {warning} : {}),
      };
    }),
  );
}

async function withStore<T>(
  job: Job,
  reason: BackupReason,
  work: (context: BackupContext) => Promise<T>,
): Promise<T> {
  const settings = backupSettingsFrom(job.env, reason);
  const late = new AbortController();
  const timer = systemClock.setTimeout(() => {
    late.abort(
      new BackupError(
        reason,
        `it did not end within ${settings.timeoutMs / 1_000} s`,
        'Check the database and the storage for what holds it up; by hand, BACKUP_TIMEOUT_SECONDS gives it longer.',
      ),
    );
  }, settings.timeoutMs);
  const signal = AbortSignal.any([job.signal, late.signal]);
  const store = await openStore(settings);
  try {
    return await work({settings, store, clock: systemClock, logger: job.logger, signal});
  } catch (error) {
    throw late.signal.aborted && !(error instanceof UncertainError) ? late.signal.reason : error;
  } finally {
    timer.cancel();
    await store.close();
  }
}

/** The Amazon SDK is large: it is loaded only by those who use a bucket. */
async function openStore({destination}: BackupSettings): Promise<Store> {
  if (destination.kind === 'file') return new FileStore(destination.directory);
  const {S3Store} = await import('./s3-store.ts');
  return new S3Store(destination);
}
