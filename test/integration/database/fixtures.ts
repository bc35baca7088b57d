import {spawnSync} from 'node:child_process';
import {join} from 'node:path';
import {systemClock} from '../../../src/support/clock.ts';
import {createLogger} from '../../../src/support/logging.ts';
import type {MigrateOptions} from '../../../src/database/migrate.ts';
import type {TestPostgres} from '../../support/postgres.ts';

/** The deployment guide's statements, word for word. */
export const GUIDE_TABLE = `
CREATE TABLE IF NOT EXISTS _system.sessions (
    id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id TEXT NOT NULL,
    refresh_token_hash TEXT NOT NULL UNIQUE,
    issued_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    created_at TIMESTAMPTZ DEFAULT NOW(),
    revoked_at TIMESTAMPTZ
);`;
export const GUIDE_INDEXES = `
CREATE INDEX idx_sessions_user_id ON _system.sessions(user_id);
CREATE INDEX idx_sessions_expires_at ON _system.sessions(expires_at);
CREATE INDEX idx_sessions_revoked_at ON _system.sessions(revoked_at);`;

/** Two sessions that a person made by hand. */
export const TWO_SESSIONS = `
INSERT INTO _system.sessions (user_id, refresh_token_hash, issued_at, expires_at)
VALUES ('alice', 'hash-a', 1700000000, 2000000000), ('bob', 'hash-b', 1700000000, 1700000001);`;

const logger = createLogger({component: 'test', level: 'silent'});

/** Options of a migration that take what a test does not care about for granted. */
export function migration(url: string, others: Partial<MigrateOptions> = {}): MigrateOptions {
  return {url, timeoutMs: 30_000, waitMs: 0, clock: systemClock, logger, ...others};
}

/** The schema `_system` as pg_dump writes it, without what differs between versions of pg_dump. */
export function dumpSchema(postgres: TestPostgres, url: string): string {
  const {status, stdout, stderr} = spawnSync(
    join(postgres.bin, 'pg_dump'),
    ['--schema-only', '--no-owner', '--no-privileges', '--schema=_system', url],
    {encoding: 'utf8'},
  );
  if (status !== 0) throw new Error(stderr);
  return stdout
    .split('\n')
    .filter((line) => line !== '' && !/^(--|SET |SELECT pg_catalog\.set_config|\\)/.test(line))
    .join('\n');
}
