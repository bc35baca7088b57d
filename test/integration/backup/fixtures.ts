import {chmod, mkdtemp, writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {setTimeout as delay} from 'node:timers/promises';
import type {BackupContext} from '../../../src/backup/backup.ts';
import {FileStore} from '../../../src/backup/file-store.ts';
import {migrateDatabase} from '../../../src/database/migrate.ts';
import {systemClock, type Clock} from '../../../src/support/clock.ts';
import {createLogger} from '../../../src/support/logging.ts';
import type {TestPostgres} from '../../support/postgres.ts';
import {runProgram} from '../../support/program.ts';

export const DAY = 86_400_000;
export const logger = createLogger({component: 'test', level: 'silent'});

/** A migrated database with that many sessions, each with its details and a token that was rotated away. */
export async function databaseWith(postgres: TestPostgres, sessions: number): Promise<string> {
  const url = await postgres.createDatabase();
  await migrateDatabase({url, timeoutMs: 30_000, waitMs: 0, clock: systemClock, logger});
  await postgres.asSuperuser(
    `INSERT INTO _system.sessions (user_id, refresh_token_hash, issued_at, expires_at, revoked_at)
     SELECT md5(n::text), encode(sha256(n::text::bytea), 'hex'), 1700000000 + n, 2000000000 + n,
            CASE WHEN n % 7 = 0 THEN now() END
       FROM generate_series(1, ${sessions}) AS n;
     INSERT INTO _system.session_details (session_id, provider, issuer, subject, email, name, last_used_at)
     SELECT id, 'keycloak', 'https://id.example.com', user_id, user_id || '@example.com', E'Zo\\u00eb \\\\ \\t "x"', now()
       FROM _system.sessions;
     INSERT INTO _system.sign_ins (session_id, user_agent, id_token_sealed)
     SELECT id, 'Firefox on Linux', '\\xc0ffee' FROM _system.sessions;
     INSERT INTO _system.refresh_history (token_hash, session_id, successor_sealed)
     SELECT md5(refresh_token_hash), id, '\\xdeadbeef' FROM _system.sessions`,
    nameOf(url),
  );
  return url;
}

export const nameOf = (url: string): string => new URL(url).pathname.slice(1);

/** Every row of every table of the schema, in an order of its own: two databases with equal contents give equal text. */
export async function contentOf(postgres: TestPostgres, url: string): Promise<string> {
  const parts: string[] = [];
  for (const table of [
    'sessions',
    'session_details',
    'refresh_history',
    'login_transactions',
    'sign_ins',
    'schema_migrations',
  ]) {
    const {rows} = await postgres.asSuperuser(
      `SELECT count(*)::text || ' ' || coalesce(md5(string_agg(t::text, E'\\n' ORDER BY t::text)), '') AS digest
         FROM _system.${table} AS t`,
      nameOf(url),
    );
    parts.push(`${table} ${(rows[0] as {digest: string}).digest}`);
  }
  return parts.join('\n');
}

/** How many relations schema `_system` has; 0 where it is not there. */
export async function relationsIn(postgres: TestPostgres, url: string): Promise<number> {
  const {rows} = await postgres.asSuperuser(
    `SELECT count(*)::int AS found FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE n.nspname = '_system'`,
    nameOf(url),
  );
  return (rows[0] as {found: number}).found;
}

export async function temporaryDirectory(): Promise<string> {
  return mkdtemp(join(tmpdir(), 'fraiseql-backup-'));
}

/** A context for calling backup and restore without a process of their own. */
export function contextFor(
  url: string,
  directory: string,
  others: {instance?: string; retentionMs?: number; clock?: Clock} = {},
): BackupContext {
  return {
    settings: {
      databaseUrl: url,
      destination: {kind: 'file', directory},
      instance: others.instance ?? 'auth-prod',
      retentionMs: others.retentionMs ?? 30 * DAY,
      timeoutMs: 60_000,
    },
    store: new FileStore(directory),
    clock: others.clock ?? systemClock,
    logger,
    signal: new AbortController().signal,
  };
}

/** A clock that stands at `now`, for what is dated; its timers are real. */
export function clockAt(now: number): Clock {
  return {...systemClock, now: () => now};
}

/**
 * A directory whose `pg_dump`, or other program of PostgreSQL's, is that shell script, to put first in PATH; asked for
 * its version it answers as the real one, which the script may call as $REAL.
 */
export async function fakeTool(
  postgres: TestPostgres,
  script: string,
  tool: 'pg_dump' | 'psql' = 'pg_dump',
): Promise<string> {
  const directory = await temporaryDirectory();
  const program = join(directory, tool);
  await writeFile(
    program,
    `#!/bin/bash\nREAL=${join(postgres.bin, tool)}\n[ "$1" = --version ] && exec "$REAL" --version\n${script}\n`,
  );
  await chmod(program, 0o755);
  return directory;
}

/** Runs `backup` as a process, with `fake` first in PATH where one is given. */
export function backupProcess(
  url: string,
  env: Record<string, string>,
  fake?: string,
): ReturnType<typeof runProgram> {
  const path = fake ? {PATH: `${fake}:${process.env['PATH'] ?? ''}`} : {};
  return runProgram(['backup'], {DATABASE_URL: url, BACKUP_NAME_PREFIX: 'auth-prod', ...env, ...path});
}

/** Resolves once the condition holds; throws when it has not within `timeoutMs`. */
export async function until(condition: () => Promise<boolean>, timeoutMs = 60_000): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`it did not come true within ${timeoutMs} ms`);
    await delay(50);
  }
}
