import type {ClientBase} from 'pg';

/** Anything that runs a statement: a pool, or one connection. */
export type Queryable = Pick<ClientBase, 'query'>;

/** The tables that the migrations make. */
export const TABLES = [
  'sessions',
  'session_details',
  'refresh_history',
  'login_transactions',
  'logout_tokens',
  'sign_ins',
] as const;

/** The table of schema `_system` that lists the migrations that have run. */
export const MIGRATIONS_TABLE = 'schema_migrations';

/** Held while migrating; a number of our own, so that no other program that migrates in this database waits for us. */
export const MIGRATION_LOCK = 6_812_650_443_917;

/** The migrations that the database has seen, oldest first; empty where it has seen none. */
export async function appliedMigrations(client: Queryable): Promise<string[]> {
  const {rowCount} = await client.query(
    `SELECT 1 FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE n.nspname = '_system' AND c.relname = '${MIGRATIONS_TABLE}'`,
  );
  if (rowCount === 0) return [];
  const {rows} = await client.query<{name: string}>(
    `SELECT name FROM _system.${MIGRATIONS_TABLE} ORDER BY name`,
  );
  return rows.map(({name}) => name);
}

/** The schema version that the database has; "0" before the first migration. */
export async function schemaVersion(client: Queryable): Promise<string> {
  return versionOf((await appliedMigrations(client)).at(-1));
}

/** `0003_refresh_history` is version "3"; no migration is version "0". */
export function versionOf(name: string | undefined): string {
  return String(Number.parseInt(name ?? '0', 10));
}
