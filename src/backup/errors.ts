/** Why a backup or a restore failed; CamelCase words that code may compare. */
export type BackupReason =
  | 'BackupStorageUnavailable'
  | 'BackupFailed'
  | 'BackupNotFound'
  | 'BackupTooNew'
  | 'ChecksumMismatch'
  | 'RestoreTargetNotEmpty'
  | 'RestoreFailed';

/** A failure that says what happened and what to do. Neither text holds a secret. */
export class BackupError extends Error {
  override readonly name = 'BackupError';
  readonly reason: BackupReason;
  readonly hint: string;

  constructor(reason: BackupReason, message: string, hint: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : {cause});
    this.reason = reason;
    this.hint = hint;
  }
}

/** It is not known whether what was asked for is done. A command that was told to stop says this, and not only that. */
export class UncertainError extends BackupError {
  readonly uncertain = true;
}

/** The storage has no room left. What is past its time may make some. */
export class NoRoomError extends BackupError {
  constructor(message: string, remedy: string, cause?: unknown) {
    super(
      'BackupStorageUnavailable',
      message,
      `${remedy}, or shorten the retention (BACKUP_RETENTION_SECONDS, spec.backup.retention.maxAge): backups past their time then make room.`,
      cause,
    );
  }
}
