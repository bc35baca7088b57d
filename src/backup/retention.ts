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
  const newest = newestOf(backups);
  return backups.filter((backup) => backup !== newest && now - backup.completedAt > maxAgeMs);
}

/** The newest of them; of two that ended in the same millisecond the one whose name sorts last. */
export function newestOf<T extends GoodBackup>(backups: readonly T[]): T | undefined {
  return backups.reduce<T | undefined>(
    (best, backup) =>
      !best ||
      backup.completedAt > best.completedAt ||
      (backup.completedAt === best.completedAt && backup.name > best.name)
        ? backup
        : best,
    undefined,
  );
}
