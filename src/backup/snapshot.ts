import type {Client} from 'pg';
import {explain} from '../database/explain.ts';
import {schemaVersion} from '../database/schema.ts';
import {createClient} from '../database/pool.ts';
import {quoted} from '../database/quoted.ts';
import type {DatabaseTarget} from '../database/url.ts';
import {BackupError} from './errors.ts';

/** One moment of the database, and what is true of it. */
export interface Snapshot {
  /** What pg_dump takes to see the same moment. */
  readonly id: string;
  readonly schemaVersion: string;
  readonly serverVersion: string;
  /** What the whole database takes on its disk. */
  readonly databaseBytes: number;
  /** Milliseconds since the epoch when it was counted, by the database's clock. */
  readonly countedAt: number;
  /** Rows by table of schema `_system`. */
  readonly rowCounts: Readonly<Record<string, number>>;
}

/**
 * Holds one moment of the database open while `work` runs, so that what is counted is exactly what is dumped.
 * Throws DatabaseError where the database cannot be used, BackupError where it holds no sessions to back up.
 */
export async function withSnapshot<T>(
  target: DatabaseTarget,
  timeoutMs: number,
  work: (snapshot: Snapshot) => Promise<T>,
): Promise<T> {
  const client = createClient(target.url, {
    connectTimeoutMs: 10_000,
    statementTimeoutMs: timeoutMs,
    applicationName: 'fraiseql-auth backup',
  });
  let broken: Error | undefined;
  client.on('error', (error) => {
    broken = error;
  });
  try {
    const snapshot = await openSnapshot(client, target);
    const result = await work(snapshot);
    if (broken) throw explain(broken, target);
    return result;
  } finally {
    await client.end();
  }
}

async function openSnapshot(client: Client, target: DatabaseTarget): Promise<Snapshot> {
  try {
    await client.connect();
    await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
    const {rows} = await client.query<{id: string; server: string; bytes: string}>(
      `SELECT pg_export_snapshot() AS id, current_setting('server_version') AS server,
              pg_database_size(current_database()) AS bytes`,
    );
    const {rows: tables} = await client.query<{name: string}>(
      `SELECT c.relname AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname = '_system' AND c.relkind IN ('r', 'p') ORDER BY c.relname`,
    );
    if (!tables.some(({name}) => name === 'sessions')) {
      throw new BackupError(
        'BackupFailed',
        `database "${target.database}" has no table _system.sessions: there is nothing to back up`,
        'Check that the database URL names the right database, and run `fraiseql-auth db migrate` there.',
      );
    }
    const rowCounts: Record<string, number> = {};
    for (const {name} of tables) {
      const {rows: counted} = await client.query<{count: string}>(
        `SELECT count(*) FROM _system.${quoted(name)}`,
      );
      rowCounts[name] = Number(counted[0]?.count);
    }
    const schema = await schemaVersion(client);
    const {rows: clocks} = await client.query<{ms: number}>(
      'SELECT extract(epoch FROM clock_timestamp())::float8 * 1000 AS ms',
    );
    return {
      id: rows[0]?.id ?? '',
      schemaVersion: schema,
      serverVersion: (rows[0]?.server ?? '').split(' ')[0] ?? '',
      databaseBytes: Number(rows[0]?.bytes),
      countedAt: Number(clocks[0]?.ms),
      rowCounts,
    };
  } catch (error) {
    throw error instanceof BackupError ? error : explain(error, target);
  }
}
