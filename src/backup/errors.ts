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
