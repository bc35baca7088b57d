import type {Pool} from 'pg';
import {databaseFault} from '../../database/errors.ts';
import {schemaVersion} from '../../database/schema.ts';
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

/** Rejects where the database does not answer or is not yet migrated. A newer schema is fine: migrations only add. */
export async function probeDatabase(pool: Pool): Promise<void> {
  const found = await schemaVersion(pool);
  if (Number(found) < Number(SCHEMA_VERSION)) throw new SchemaOutdatedError(found);
}

/** The word for the metric `fraiseql_auth_dependency_error`. */
export function probeFault(error: unknown): string {
  return error instanceof SchemaOutdatedError ? 'schema_outdated' : databaseFault(error);
}
