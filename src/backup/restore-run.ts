import {spawn} from 'node:child_process';
import {once} from 'node:events';
import type {Readable} from 'node:stream';
import {setTimeout as delay} from 'node:timers/promises';
import {createClient} from '../database/pool.ts';
import type {DatabaseTarget} from '../database/url.ts';
import type {Logger} from '../support/logging.ts';
import {BackupError, UncertainError} from './errors.ts';
import {complaint, exitOf, notStarted, toolEnvironment} from './postgres-tools.ts';
import {restoreHint} from './restore-hint.ts';

/** What is asked of the server first, by which it can later be asked how the transaction ended. */
export const WHO_AM_I = `SELECT pg_current_xact_id() || ' ' || pg_backend_pid();`;

/** How long the server is asked how the transaction ended: within the 30 s that a pod has to end. */
const SETTLE_MS = 15_000;
const ASK_AGAIN_MS = 100;

interface Restore {
  readonly target: DatabaseTarget;
  /** The backup's name, for messages. */
  readonly name: string;
  /** One transaction from BEGIN to COMMIT, that begins with WHO_AM_I. */
  readonly script: AsyncIterable<Uint8Array>;
  readonly signal: AbortSignal;
  readonly logger: Logger;
}

/**
 * Feeds the script to psql. The COMMIT is sent only when everything before it has been read and compared; however this
 * side dies, psql sees its input end without it, and the server takes everything back. Returns where the transaction is
 * committed, whatever befell psql or this process then; where it is not, it throws and the database is as it was.
 */
export async function runScript(restore: Restore): Promise<void> {
  const {target, name, script, signal, logger} = restore;
  signal.throwIfAborted();
  const tools = await toolEnvironment(target, 'restore');
  const child = spawn(
    'psql',
    [
      '--no-psqlrc',
      '--quiet',
      '--no-password',
      '--tuples-only',
      '--no-align',
      '--echo-errors',
      '--set=ON_ERROR_STOP=1',
      '--file=-',
    ],
    {env: tools.env, stdio: ['pipe', 'pipe', 'pipe']},
  );
  const ended = exitOf(child);
  const errors = complaints(child.stderr);
  const transaction = firstLine(child.stdout);
  // psql ended before it had read all: its exit code and its complaint say why.
  child.stdin.on('error', () => undefined);
  const stop = (): void => {
    child.kill('SIGKILL');
  };
  signal.addEventListener('abort', stop, {once: true});
  if (signal.aborted) stop();
  let broken: Error | undefined;
  try {
    try {
      for await (const chunk of script) {
        if (child.exitCode !== null || child.signalCode !== null || child.stdin.destroyed) break;
        if (!child.stdin.write(chunk)) await Promise.race([drained(child.stdin), ended]);
      }
    } catch (error) {
      broken = error instanceof Error ? error : new Error('the backup broke off', {cause: error});
      stop();
    }
    child.stdin.end();
    const {code, failure, signal: killed} = await ended;
    if (failure) throw notStarted('psql', failure);
    // How psql ended is no proof: it may die after the COMMIT, or end well before it.
    const end = await howItEnded(target, transaction(), code === 0 && broken === undefined);
    if (end === 'committed') {
      if (code !== 0) logger.warn({code, killed}, 'psql ended badly, after the restore was committed');
      return;
    }
    const {text, statement} = errors();
    const said = complaint(text, target) || `ended by ${killed ?? `code ${code}`}`;
    if (end === 'unknown') throw uncertain(name, said);
    signal.throwIfAborted();
    if (broken) throw broken;
    throw new BackupError(
      'RestoreFailed',
      `psql could not restore ${name}: ${said}; the database is as it was`,
      restoreHint(said, statement, target),
    );
  } finally {
    signal.removeEventListener('abort', stop);
    await tools.remove();
  }
}

/** Resolves when the stream takes more, or never will. */
async function drained(stream: NodeJS.WritableStream): Promise<void> {
  try {
    await once(stream, 'drain');
  } catch {
    // It broke: how psql ended says why.
  }
}

/** The first line that a stream brings; all of it is read. */
function firstLine(stream: Readable): () => string {
  let text = '';
  stream.on('data', (chunk: Buffer) => {
    if (!text.includes('\n')) text += chunk.toString('utf8').slice(0, 256);
  });
  return () => text.split('\n')[0] ?? '';
}

const STATEMENT = /^.*\bSTATEMENT: {2}/m;
const KEPT = 4_096;

/** The end of what psql says, and the beginning of the statement that it stopped at, which is as long as it may be. */
function complaints(stream: Readable): () => {text: string; statement: string} {
  let text = '';
  let statement: string | undefined;
  stream.on('data', (chunk: Buffer) => {
    if (statement !== undefined) {
      statement = (statement + chunk.toString('utf8')).slice(0, KEPT);
      return;
    }
    text += chunk.toString('utf8');
    const found = STATEMENT.exec(text);
    if (found) {
      statement = text.slice(found.index + found[0].length, found.index + found[0].length + KEPT);
      text = text.slice(0, found.index);
    }
    text = text.slice(-KEPT);
  });
  return () => ({text, statement: statement ?? ''});
}

/**
 * Asks the server whether the transaction was committed; `well` says that psql thinks so. What still runs of one that
 * ended badly is ended, so that nothing is committed after this has answered.
 */
async function howItEnded(
  target: DatabaseTarget,
  transaction: string,
  well: boolean,
): Promise<'committed' | 'aborted' | 'unknown'> {
  const [, xid, pid] = /^(\d+) (\d+)$/.exec(transaction) ?? [];
  // It never began.
  if (xid === undefined) return 'aborted';
  const deadline = performance.now() + SETTLE_MS;
  do {
    try {
      const status = await askServer(target, xid, Number(pid));
      if (status === 'committed' || status === 'aborted') return status;
      if (status === null) break;
    } catch {
      // The server is away: that may pass.
    }
    await delay(ASK_AGAIN_MS);
  } while (performance.now() < deadline);
  return well ? 'committed' : 'unknown';
}

async function askServer(
  target: DatabaseTarget,
  xid: string,
  pid: number,
): Promise<string | null | undefined> {
  const client = createClient(target.url, {
    connectTimeoutMs: 5_000,
    statementTimeoutMs: 5_000,
    applicationName: 'fraiseql-auth restore (outcome)',
  });
  client.on('error', () => undefined);
  try {
    await client.connect();
    await client.query(
      'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid = $1 AND backend_xid::text = $2',
      [
        pid,
        // What pg_stat_activity shows has 32 bits.
        String(BigInt(xid) & 0xffff_ffffn),
      ],
    );
    const {rows} = await client.query<{status: string | null}>(
      'SELECT pg_xact_status($1::text::xid8) AS status',
      [xid],
    );
    return rows[0]?.status;
  } finally {
    await client.end();
  }
}

function uncertain(name: string, said: string): UncertainError {
  return new UncertainError(
    'RestoreFailed',
    `the connection broke at the very end of restoring ${name} (${said}), and the database cannot be asked whether it took it`,
    'Look when it is back: where _system.sessions exists with the rows of the backup, the restore is done. Otherwise the database is as it was: run it again.',
  );
}
