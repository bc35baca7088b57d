/**
 * The PostgreSQL servers that this is made for. The image has the client programs of PostgreSQL 17, and an older pg_dump
 * refuses a newer server.
 */
const OLDEST = 14;
const NEWEST = 17;

/** What is wrong with a server of that version (`server_version_num`), and what to do; undefined where nothing is. */
export function serverProblem(
  number: number,
): {readonly state: 'failed' | 'warning'; readonly problem: string; readonly hint: string} | undefined {
  const major = Math.floor(number / 10_000);
  if (major < OLDEST) {
    return {
      state: 'failed',
      problem: `is too old: ${OLDEST} to ${NEWEST} are supported`,
      hint: `Use PostgreSQL ${OLDEST} to ${NEWEST}.`,
    };
  }
  if (major > NEWEST) {
    return {
      state: 'warning',
      problem: `is newer than ${NEWEST}: it serves, but the backups of the image will fail, for pg_dump ${NEWEST} does not dump it`,
      hint: `Use PostgreSQL ${OLDEST} to ${NEWEST}, or back it up by other means (spec.backup.policy: None).`,
    };
  }
  return undefined;
}
