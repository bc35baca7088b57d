import type {Pool} from 'pg';
import {databaseFault} from '../../database/errors.ts';
import {createClient} from '../../database/pool.ts';
import {schemaVersion, type Queryable} from '../../database/schema.ts';
import {SCHEMA_VERSION} from '../../database/version.ts';

/** The database answers, and its schema is older than this version needs. */
class SchemaOutdatedError extends Error {
  override readonly name = 'SchemaOutdatedError';

  constructor(found: string) {
    super(
      `the database has schema version ${found} and this server needs ${SCHEMA_VERSION}; run "fraiseql-auth db migrate"`,
    );
  }
}

/** What a look at a database that answers has found. */
export interface Found {
  /** Why it takes no writes; undefined where it does. */
  readonly refusal: unknown;
}

/**
 * Rejects where the database does not answer or is not yet migrated. A newer schema is fine: migrations only add. While
 * every connection of the pool is at work it asks by one of its own: that they are says nothing of the database, which
 * may be slow with them for the sake of a lock, and to call it away would end what goes on.
 */
export async function probeDatabase(pool: Pool, url: string): Promise<Found> {
  const busy = pool.idleCount <= pool.waitingCount && pool.totalCount >= pool.options.max;
  return busy ? beside(url) : within(pool);
}

/** By one connection of the pool for all that it asks: between two the pool may have become busy. */
async function within(pool: Pool): Promise<Found> {
  const client = await pool.connect();
  client.on('error', ignore);
  try {
    const found = await look(client);
    // What became of the connection of a write that failed is not known.
    client.release(found.refusal !== undefined);
    return found;
  } catch (error) {
    client.release(true);
    throw error;
  } finally {
    client.off('error', ignore);
  }
}

async function beside(url: string): Promise<Found> {
  const client = createClient(url, {
    connectTimeoutMs: 3_000,
    statementTimeoutMs: 3_000,
    applicationName: 'fraiseql-auth',
  });
  client.on('error', ignore);
  try {
    await client.connect();
    return await look(client);
  } catch (error) {
    // It answers, and those that are open are ours.
    if (databaseFault(error) === 'too_many_connections') return {refusal: undefined};
    throw error;
  } finally {
    client.end().catch(ignore);
  }
}

/** What breaks a connection is told by the query that is under way. */
function ignore(): void {}

/**
 * Changes nothing, so that it writes nothing and fires no trigger, and needs what a refresh needs: a transaction that may
 * write, and the table's lock. It waits for that for no longer than a look may take.
 */
const WRITE = `SET LOCAL lock_timeout = 1000;
  UPDATE _system.sessions SET refresh_token_hash = refresh_token_hash WHERE false`;

async function look(client: Queryable): Promise<Found> {
  await check(client);
  try {
    await client.query(WRITE);
    return {refusal: undefined};
  } catch (error) {
    return {refusal: error};
  }
}

async function check(client: Queryable): Promise<void> {
  const found = await schemaVersion(client);
  if (Number(found) < Number(SCHEMA_VERSION)) throw new SchemaOutdatedError(found);
}

/** The word for the metric `fraiseql_auth_dependency_error`. */
export function probeFault(error: unknown): string {
  return error instanceof SchemaOutdatedError ? 'schema_outdated' : databaseFault(error);
}
