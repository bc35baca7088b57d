/** A complete backup: its manifest is readable, and its data is there in full. */
export interface GoodBackup {
  readonly name: string;
  /** Milliseconds since the epoch. */
  readonly completedAt: number;
}

/**
 * Which backups may go: those older than `maxAgeMs`, but never the newest good one, however old it is.
 * Pure; `now` is milliseconds since the epoch.
 */
export function expired<T extends GoodBackup>(backups: readonly T[], now: number, maxAgeMs: number): T[] {
  const newest = newestOf(backups, now);
  return backups.filter((backup) => backup !== newest && now - backup.completedAt > maxAgeMs);
}

/** What clocks may differ by. */
export const SKEW_MS = 3_600_000;

/**
 * The newest of them; of two that ended in the same millisecond the one whose name sorts last. One that says it is of the
 * future was made by a clock that was ahead, and may be older than all the others: it counts where there is no other.
 */
export function newestOf<T extends GoodBackup>(backups: readonly T[], now: number): T | undefined {
  const past = backups.filter(({completedAt}) => completedAt <= now + SKEW_MS);
  return (past.length > 0 ? past : backups).reduce<T | undefined>(
    (best, backup) =>
      !best ||
      backup.completedAt > best.completedAt ||
      (backup.completedAt === best.completedAt && backup.name > best.name)
        ? backup
        : best,
    undefined,
  );
}
