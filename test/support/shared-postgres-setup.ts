// One PostgreSQL server for all test files of a run, with a database that has our schema for them to copy: a server takes
// a second to start, a copy a few hundredths. Vitest runs this in its own process, once for each project that asks for
// it; all of them get the same server.
import {pino} from 'pino';
import type {TestProject} from 'vitest/node';
import {migrateDatabase} from '../../src/database/migrate.ts';
import {systemClock} from '../../src/support/clock.ts';
import {APP_ROLE, runSql, startPostgres, type TestPostgres} from './postgres.ts';
import type {SharedPostgres} from './shared-postgres.ts';

interface Shared {
  readonly starting: Promise<TestPostgres>;
  users: number;
}

/** The database that has our schema, which others are copied from; nobody connects to it. */
const MIGRATED = 'migrated';

const KEY = Symbol.for('fraiseql-auth test postgres');
const registry = globalThis as {[KEY]?: Shared};

/** Starts the server, or takes the one of another project; the answer gives it back. */
export default async function setUp(project: TestProject): Promise<() => Promise<void>> {
  const shared = (registry[KEY] ??= {starting: start(), users: 0});
  shared.users++;
  const {url, adminUrl} = await shared.starting;
  const told: SharedPostgres = {url, adminUrl, migrated: MIGRATED};
  project.provide('postgres', told);
  return async () => {
    shared.users--;
    if (shared.users > 0) return;
    delete registry[KEY];
    await (await shared.starting).close();
  };
}

async function start(): Promise<TestPostgres> {
  const postgres = await startPostgres();
  try {
    await runSql(postgres.adminUrl, `CREATE DATABASE ${MIGRATED} OWNER ${APP_ROLE}`);
    await migrateDatabase({
      url: postgres.databaseUrl(MIGRATED),
      timeoutMs: 30_000,
      waitMs: 10_000,
      clock: systemClock,
      logger: pino({level: 'silent'}),
    });
  } catch (error) {
    await postgres.close();
    throw error;
  }
  return postgres;
}
