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
  const busy = pool.idleCount === 0 && pool.totalCount >= pool.options.max;
  if (!busy) return check(pool);
  const client = new Client(
    clientOptions(url, {
      connectTimeoutMs: 3_000,
      statementTimeoutMs: 3_000,
      applicationName: 'fraiseql-auth',
    }),
  );
  // What breaks it is told by the query.
  client.on('error', () => {});
  try {
    await client.connect();
    await check(client);
  } catch (error) {
    // It answers, and those that are open are ours.
    if (databaseFault(error) !== 'too_many_connections') throw error;
  } finally {
    client.end().catch(() => {});
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
