import {afterAll, beforeAll, describe, expect, it} from 'vitest';
import {migrateDatabase} from '../../../src/database/migrate.ts';
import {startPostgres, type TestPostgres} from '../../support/postgres.ts';
import {dumpSchema, GUIDE_INDEXES, GUIDE_TABLE, migration, TWO_SESSIONS} from './fixtures.ts';

let postgres: TestPostgres;
beforeAll(async () => {
  postgres = await startPostgres();
});
afterAll(() => postgres.close());

/** A database where somebody followed the guide. */
async function byHand(sql: string, role: 'postgres' | 'fraiseql_app'): Promise<{url: string; name: string}> {
  const url = await postgres.createDatabase();
  const name = new URL(url).pathname.slice(1);
  await postgres.asSuperuser(`SET ROLE ${role}; CREATE SCHEMA _system; ${sql}`, name);
  return {url, name};
}

/** What the guide grants, and the use of the schema, which it forgets. */
const GRANTS = `
  GRANT USAGE, CREATE ON SCHEMA _system TO fraiseql_app;
  GRANT ALL PRIVILEGES ON TABLE _system.sessions TO fraiseql_app;`;

describe('a sessions table made by hand from the guide', () => {
  it.each([
    ['with its indexes', GUIDE_TABLE + GUIDE_INDEXES],
    ['without indexes', GUIDE_TABLE],
  ])('is adopted %s, its sessions kept', async (_name, sql) => {
    const {url, name} = await byHand(sql + TWO_SESSIONS, 'fraiseql_app');
    const result = await migrateDatabase(migration(url));
    expect(result.applied[0]).toBe('0001_sessions');
    await expect(dumpSchema(postgres, url)).toMatchFileSnapshot('./schema.snapshot.sql');
    const {rows} = await postgres.asSuperuser('SELECT user_id FROM _system.sessions ORDER BY 1', name);
    expect(rows).toEqual([{user_id: 'alice'}, {user_id: 'bob'}]);
  });

  it('is adopted from another owner, where the guide’s grants were given', async () => {
    const {url, name} = await byHand(GUIDE_TABLE + GUIDE_INDEXES + TWO_SESSIONS + GRANTS, 'postgres');
    await migrateDatabase(migration(url));
    await expect(dumpSchema(postgres, url)).toMatchFileSnapshot('./schema.snapshot.sql');
    // What hangs on a session goes with it, across owners.
    const insert = `INSERT INTO _system.session_details (session_id) SELECT id FROM _system.sessions`;
    await postgres.asSuperuser(`SET ROLE fraiseql_app; ${insert}; DELETE FROM _system.sessions`, name);
    const {rows} = await postgres.asSuperuser(
      'SELECT count(*)::int AS left FROM _system.session_details',
      name,
    );
    expect(rows).toEqual([{left: 0}]);
  });

  it('from another owner without grants is refused with the grant to make', async () => {
    const {url, name} = await byHand(GUIDE_TABLE, 'postgres');
    await expect(migrateDatabase(migration(url))).rejects.toMatchObject({
      reason: 'DatabasePermissionDenied',
      hint: expect.stringContaining('GRANT USAGE, CREATE ON SCHEMA _system TO "fraiseql_app"'),
    });
    await postgres.asSuperuser(`GRANT USAGE, CREATE ON SCHEMA _system TO fraiseql_app`, name);
    await expect(migrateDatabase(migration(url))).rejects.toMatchObject({
      reason: 'DatabasePermissionDenied',
      message: expect.stringContaining(
        'belongs to "postgres", and user "fraiseql_app" lacks REFERENCES and TRIGGER',
      ),
      hint: expect.stringContaining('GRANT ALL PRIVILEGES ON TABLE _system.sessions TO "fraiseql_app";'),
    });
    // Half of it would let the first migrations through, and the fifth fail.
    await postgres.asSuperuser(`GRANT REFERENCES ON _system.sessions TO fraiseql_app`, name);
    await expect(migrateDatabase(migration(url))).rejects.toMatchObject({
      reason: 'DatabasePermissionDenied',
      message: expect.stringContaining('lacks TRIGGER'),
    });
    await postgres.asSuperuser(GRANTS, name);
    expect(await migrateDatabase(migration(url))).toMatchObject({from: '0'});
  });
});

it('a table that is not the guide’s is refused, every difference named, nothing done', async () => {
  const {url} = await byHand(
    `CREATE TABLE _system.sessions (
       id SERIAL PRIMARY KEY, user_id TEXT, refresh_token_hash TEXT NOT NULL, issued_at INTEGER NOT NULL,
       expires_at BIGINT NOT NULL, created_at TIMESTAMPTZ DEFAULT NOW(), tenant TEXT);`,
    'fraiseql_app',
  );
  const before = dumpSchema(postgres, url);
  const failure = migrateDatabase(migration(url));
  await expect(failure).rejects.toMatchObject({reason: 'MigrationFailed'});
  for (const difference of [
    'column id is integer, not uuid',
    'column user_id allows NULL',
    'column issued_at is integer, not bigint',
    'column revoked_at is missing',
    'column tenant is not in the guide',
    'refresh_token_hash is not UNIQUE',
    'nothing was done',
  ]) {
    await expect(failure).rejects.toThrow(difference);
  }
  expect(dumpSchema(postgres, url)).toBe(before);
});
