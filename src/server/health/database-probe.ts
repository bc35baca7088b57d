import {Client, type Pool} from 'pg';
import {databaseFault} from '../../database/errors.ts';
import {clientOptions} from '../../database/pool.ts';
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

/**
 * Rejects where the database does not answer or is not yet migrated. A newer schema is fine: migrations only add. While
 * every connection of the pool is at work it asks by one of its own: that they are says nothing of the database, which
 * may be slow with them for the sake of a lock, and to call it away would end what goes on.
 */
export async function probeDatabase(pool: Pool, url: string): Promise<void> {
  const busy = pool.idleCount <= pool.waitingCount && pool.totalCount >= pool.options.max;
  return busy ? beside(url, check) : within(pool, check);
}

type Look = (client: Queryable) => Promise<void>;

/** By one connection of the pool for all that it asks: between two the pool may have become busy. */
async function within(pool: Pool, look: Look): Promise<void> {
  const client = await pool.connect();
  client.on('error', ignore);
  try {
    await look(client);
    client.release();
  } catch (error) {
    client.release(true);
    throw error;
  } finally {
    client.off('error', ignore);
  }
}

async function beside(url: string, look: Look): Promise<void> {
  const client = new Client(
    clientOptions(url, {
      connectTimeoutMs: 3_000,
      statementTimeoutMs: 3_000,
      applicationName: 'fraiseql-auth',
    }),
  );
  client.on('error', ignore);
  try {
    await client.connect();
    await look(client);
  } catch (error) {
    // It answers, and those that are open are ours.
    if (databaseFault(error) !== 'too_many_connections') throw error;
  } finally {
    client.end().catch(ignore);
  }
}

/** What breaks a connection is told by the query that is under way. */
function ignore(): void {}

async function check(client: Queryable): Promise<void> {
  const found = await schemaVersion(client);
  if (Number(found) < Number(SCHEMA_VERSION)) throw new SchemaOutdatedError(found);
}

/** The word for the metric `fraiseql_auth_dependency_error`. */
export function probeFault(error: unknown): string {
  return error instanceof SchemaOutdatedError ? 'schema_outdated' : databaseFault(error);
}
