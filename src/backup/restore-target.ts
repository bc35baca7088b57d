import type {Client} from 'pg';
import {explain} from '../database/explain.ts';
import {MIGRATION_LOCK, MIGRATIONS_TABLE, TABLES} from '../database/schema.ts';
import type {DatabaseTarget} from '../database/url.ts';
import {BackupError} from './errors.ts';
import type {Manifest} from './manifest.ts';
import {majorOf} from './postgres-tools.ts';

/** What a restore finds where it is to go. */
export interface TargetState {
  readonly serverMajor: number;
  /** Schema `_system` is there: an administrator made it for this user, or a migration did. */
  readonly hasSchema: boolean;
  /** SQL that makes room for the backup, in the restore's own transaction; empty where there is room. */
  readonly clearing: string;
}

/** The functions that migrations make. */
const FUNCTIONS = new Set(['_system.announce_session()']);

/** How long the restore waits for whoever uses the empty tables that it replaces. */
const LOCK_TIMEOUT = '30s';

/**
 * Looks whether a backup may be restored there, and takes the lock that keeps migrations and other restores away for as
 * long as the client is connected. Room there is where schema `_system` is missing, or empty, or holds what a migration
 * makes of an empty database and nothing more: after a loss the operator migrates before anybody can restore.
 */
export async function prepareTarget(
  client: Client,
  target: DatabaseTarget,
  manifest: Manifest,
): Promise<TargetState> {
  try {
    await client.connect();
    const {rows} = await client.query<{version: string; hasSchema: boolean; locked: boolean}>(
      `SELECT current_setting('server_version') AS version, pg_try_advisory_lock($1) AS locked,
              EXISTS (SELECT 1 FROM pg_namespace WHERE nspname = '_system') AS "hasSchema"`,
      [MIGRATION_LOCK],
    );
    const {version = '', hasSchema = false, locked = false} = rows[0] ?? {};
    if (!locked) {
      throw new BackupError(
        'RestoreFailed',
        `a migration or another restore is at work in database "${target.database}"; nothing was done`,
        'Wait for it to end; a restore wants the database for itself.',
      );
    }
    const serverMajor = majorOf(version);
    if (serverMajor < majorOf(manifest.serverVersion)) {
      throw new BackupError(
        'RestoreFailed',
        `the backup is of PostgreSQL ${manifest.serverVersion}, this server is ${version}; nothing was done`,
        `Restore into PostgreSQL ${majorOf(manifest.serverVersion)} or later.`,
      );
    }
    return {serverMajor, hasSchema, clearing: hasSchema ? await clearing(client, target) : ''};
  } catch (error) {
    throw error instanceof BackupError ? error : explain(error, target, 'DatabaseUnreachable');
  }
}

/** SQL that removes what a migration made of an empty database. Throws where there is more than that. */
async function clearing(client: Client, target: DatabaseTarget): Promise<string> {
  const {rows: relations} = await client.query<{name: string; ordinary: boolean}>(
    `SELECT c.relname AS name, c.relkind = 'r' AS ordinary
       FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE n.nspname = '_system' AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
        AND NOT EXISTS (SELECT 1 FROM pg_depend d
                         WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND c.relkind = 'S'
                           AND d.refclassid = 'pg_class'::regclass AND d.deptype IN ('a', 'i'))
      ORDER BY c.relname`,
  );
  const {rows: functions} = await client.query<{name: string}>(
    `SELECT p.oid::regprocedure::text AS name FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
      WHERE n.nspname = '_system' ORDER BY 1`,
  );
  const known = new Set<string>([...TABLES, MIGRATIONS_TABLE]);
  const foreign = [
    ...relations
      .filter(({name, ordinary}) => !ordinary || !known.has(name))
      .map(({name}) => `_system.${name}`),
    ...functions.map(({name}) => name).filter((name) => !FUNCTIONS.has(name)),
  ];
  if (foreign.length > 0)
    throw notEmpty(target, `objects that no migration of this version makes (${foreign.join(', ')})`);
  const data = relations
    .map(({name}) => `_system.${name}`)
    .filter((name) => name !== `_system.${MIGRATIONS_TABLE}`);
  const filled: string[] = [];
  for (const table of data) {
    const {rowCount} = await client.query(`SELECT 1 FROM ${table} LIMIT 1`);
    if (rowCount !== 0) filled.push(table);
  }
  if (filled.length > 0) throw notEmpty(target, `rows in ${filled.join(', ')}`);
  return [
    ...(relations.length > 0
      ? replacing(
          relations.map(({name}) => `_system.${name}`),
          data,
        )
      : []),
    ...functions.map(({name}) => `DROP FUNCTION ${name};`),
  ].join('\n');
}

/** Rows that come while this looks are seen: the lock stands before the tables are looked at again. */
function replacing(tables: readonly string[], data: readonly string[]): string[] {
  const rows = data.map((table) => `EXISTS (SELECT 1 FROM ${table})`).join(' OR ') || 'false';
  return [
    `SET LOCAL lock_timeout = '${LOCK_TIMEOUT}';`,
    `LOCK TABLE ${tables.join(', ')} IN ACCESS EXCLUSIVE MODE;`,
    `DO $clear$ BEGIN IF ${rows} THEN RAISE EXCEPTION 'rows came into schema _system meanwhile'; END IF; END $clear$;`,
    // Without CASCADE: what somebody else made to depend on them ends the restore and not that.
    `DROP TABLE ${tables.join(', ')};`,
  ];
}

function notEmpty(target: DatabaseTarget, what: string): BackupError {
  return new BackupError(
    'RestoreTargetNotEmpty',
    `database "${target.database}" has a schema _system that is not empty: ${what}; nothing was done`,
    'Restore into a fresh database: CREATE DATABASE …; and name it in the database URL. To give up what is there instead, ' +
      'stop the service and run DROP SCHEMA _system CASCADE; first.',
  );
}
