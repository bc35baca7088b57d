import {spawn} from 'node:child_process';
import type {DatabaseTarget} from '../database/url.ts';
import {systemClock, type Timer} from '../support/clock.ts';
import {BackupError} from './errors.ts';
import {complaint, exitOf, notStarted, tail, toolEnvironment} from './postgres-tools.ts';

/** Asked to end, pg_dump has the server cancel what runs there; on a network that says nothing it waits for that for ever. */
const FAREWELL_MS = 3_000;
/** The last line of a whole dump. */
const LAST_WORDS = 'PostgreSQL database dump complete';

/**
 * The database as SQL, as pg_dump writes it: what `psql` takes back, whoever owns the tables there. Ends only when
 * pg_dump has ended well; else it throws, so that nothing downstream takes a broken dump for a whole one.
 */
export async function* dumpOf(
  target: DatabaseTarget,
  snapshotId: string,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  signal.throwIfAborted();
  const tools = await toolEnvironment(target, 'backup');
  const child = spawn(
    'pg_dump',
    [
      '--format=plain',
      '--no-owner',
      '--no-privileges',
      '--no-tablespaces',
      '--no-subscriptions',
      '--no-password',
      '--encoding=UTF8',
      '--lock-wait-timeout=60s',
      `--snapshot=${snapshotId}`,
    ],
    {env: tools.env, stdio: ['ignore', 'pipe', 'pipe']},
  );
  const ended = exitOf(child);
  const errors = tail(child.stderr);
  let farewell: Timer | undefined;
  const stop = (): void => {
    child.kill('SIGTERM');
    farewell = systemClock.setTimeout(() => child.kill('SIGKILL'), FAREWELL_MS);
  };
  signal.addEventListener('abort', stop, {once: true});
  let end = Buffer.alloc(0);
  try {
    for await (const chunk of child.stdout) {
      const bytes = chunk as Buffer;
      end = Buffer.concat([end, bytes.subarray(-256)]).subarray(-256);
      yield bytes;
    }
    const {code, signal: killed, failure} = await ended;
    signal.throwIfAborted();
    if (failure) throw notStarted('pg_dump', failure);
    if (code !== 0) {
      const how = killed ? `was killed by ${killed}` : `ended with code ${code}`;
      const said = complaint(errors(), target);
      throw new BackupError('BackupFailed', `pg_dump ${how}${said ? `: ${said}` : ''}`, hintFor(said));
    }
    if (!end.includes(LAST_WORDS)) {
      throw new BackupError(
        'BackupFailed',
        'pg_dump ended well, and its output is not a whole dump',
        'Check which pg_dump is first in PATH.',
      );
    }
  } finally {
    signal.removeEventListener('abort', stop);
    farewell?.cancel();
    // Whoever reads may have stopped early.
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
    await ended;
    await tools.remove();
  }
}

function hintFor(said: string): string {
  if (said.includes('server version mismatch')) {
    return 'The server is newer than pg_dump: use an image whose PostgreSQL client programs are as new as the server.';
  }
  if (said.includes('lock timeout')) {
    return 'Another transaction holds a table for more than a minute (SELECT * FROM pg_stat_activity). No backup was stored: run again when it has ended.';
  }
  if (said.includes('permission denied')) {
    return 'Let the user of the database URL read every table of the database: GRANT SELECT ON ALL TABLES IN SCHEMA … TO ….';
  }
  return 'No backup was stored. Correct the cause and run again.';
}
