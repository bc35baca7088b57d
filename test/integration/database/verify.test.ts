import {Client} from 'pg';
import {afterAll, beforeAll, describe, expect, it} from 'vitest';
import {migrateDatabase} from '../../../src/database/migrate.ts';
import {SCHEMA_VERSION} from '../../../src/database/version.ts';
import {verifyDatabase, type VerifyReport} from '../../../src/database/verify.ts';
import {startPostgres, type TestPostgres} from '../../support/postgres.ts';
import {runProgram} from '../../support/program.ts';
import {GUIDE_TABLE, migration, TWO_SESSIONS} from './fixtures.ts';

let postgres: TestPostgres;
beforeAll(async () => {
  postgres = await startPostgres();
});
afterAll(() => postgres.close());

async function migrated(): Promise<{url: string; name: string}> {
  const url = await postgres.createDatabase();
  await migrateDatabase(migration(url));
  return {url, name: new URL(url).pathname.slice(1)};
}

const bad = (report: VerifyReport): Record<string, string> =>
  Object.fromEntries(
    report.checks
      .filter(({state}) => state !== 'ok')
      .map(({name, state, message, hint}) => [name, `${state}: ${message} → ${hint}`]),
  );

describe('db verify', () => {
  it('finds a migrated database fit, counts its sessions, and exits with 0', async () => {
    const {url, name} = await migrated();
    await postgres.asSuperuser(TWO_SESSIONS, name);
    const {code, output, outcome} = await runProgram(['db', 'verify'], {DATABASE_URL: url});
    expect(output).toMatch(/ok +sessions +2 \(1 active\)/);
    expect(output).toMatch(new RegExp(`ok +schema +version ${SCHEMA_VERSION}`));
    expect(output).not.toContain('FAILED');
    expect(output).not.toContain(new URL(url).password);
    expect(outcome).toMatchObject({ok: true, kind: 'verify'});
    expect(code).toBe(0);
  });

  it('of an empty database says what to run, and exits with 1', async () => {
    const {code, output} = await runProgram(['db', 'verify'], {
      DATABASE_URL: await postgres.createDatabase(),
    });
    expect(output).toMatch(new RegExp(`FAILED +schema +version 0, this program needs ${SCHEMA_VERSION}`));
    expect(output).toContain('db migrate');
    expect(code).toBe(1);
  });

  it('says that a table is locked, and by whom, and not that the database is away', async () => {
    const {url} = await migrated();
    const holder = new Client({connectionString: url});
    await holder.connect();
    try {
      await holder.query('BEGIN; LOCK TABLE _system.sessions IN ACCESS EXCLUSIVE MODE');
      const {code, output, outcome} = await runProgram(['db', 'verify'], {DATABASE_URL: url});
      expect(output).toMatch(
        /FAILED +answers +another transaction .* held by process \d+ \(role fraiseql_app/,
      );
      expect(outcome).toMatchObject({ok: false, kind: 'verify', reason: 'TableLocked'});
      expect(code).toBe(1);
    } finally {
      await holder.end();
    }
  });

  it('of a database that is not there says why', async () => {
    const report = await verifyDatabase(() => postgres.databaseUrl('nowhere'));
    expect(report.reason).toBe('DatabaseNotFound');
    expect(bad(report)['connection']).toContain('nowhere');
  });

  it('names each missing privilege and the grant that mends it', async () => {
    const {url, name} = await migrated();
    await postgres.asSuperuser(
      `ALTER TABLE _system.sessions OWNER TO postgres; REVOKE ALL ON _system.sessions FROM fraiseql_app;
       GRANT SELECT, INSERT ON _system.sessions TO fraiseql_app`,
      name,
    );
    const found = bad(await verifyDatabase(() => url));
    expect(Object.keys(found)).toEqual(['privileges']);
    expect(found['privileges']).toContain('no UPDATE, DELETE on _system.sessions');
    expect(found['privileges']).toContain(
      'GRANT ALL PRIVILEGES ON TABLE _system.sessions TO "fraiseql_app";',
    );
  });

  it('survives a schema that may not be used', async () => {
    const {url, name} = await migrated();
    await postgres.asSuperuser(
      `ALTER SCHEMA _system OWNER TO postgres; REVOKE ALL ON SCHEMA _system FROM fraiseql_app`,
      name,
    );
    const found = bad(await verifyDatabase(() => url));
    expect(found['privileges']).toContain('GRANT USAGE ON SCHEMA _system TO "fraiseql_app";');
    expect(found['sessions']).toContain('failed');
  });

  it('names a column that is gone and an index that is missing', async () => {
    const {url, name} = await migrated();
    await postgres.asSuperuser(
      `ALTER TABLE _system.sessions ALTER issued_at TYPE INTEGER; DROP INDEX _system.idx_sessions_user_id`,
      name,
    );
    const found = bad(await verifyDatabase(() => url));
    expect(found['columns']).toContain(
      'failed: _system.sessions differs from the guide: column issued_at is integer',
    );
    expect(found['indexes']).toContain('CREATE INDEX idx_sessions_user_id');
  });

  it('names a database that is not UTF-8, a time zone, an isolation, and a read-only role', async () => {
    await postgres.asSuperuser(
      `CREATE DATABASE latin OWNER fraiseql_app ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0`,
    );
    const url = postgres.databaseUrl('latin');
    await migrateDatabase(migration(url));
    await postgres.asSuperuser(
      `ALTER DATABASE latin SET timezone TO 'Europe/Berlin';
       ALTER DATABASE latin SET default_transaction_isolation TO 'serializable';
       ALTER DATABASE latin SET default_transaction_read_only TO on`,
    );
    const found = bad(await verifyDatabase(() => url));
    expect(Object.keys(found)).toEqual(['writable', 'encoding', 'timezone', 'isolation']);
    expect(found['encoding']).toContain('failed: LATIN1');
    expect(found['timezone']).toContain(`ALTER ROLE "fraiseql_app" SET timezone TO 'UTC'`);
  });

  it('of a newer schema only warns: an older program keeps working on it', async () => {
    const {url, name} = await migrated();
    await postgres.asSuperuser(
      `INSERT INTO _system.schema_migrations (name, run_on) VALUES ('0099_future', now())`,
      name,
    );
    expect(bad(await verifyDatabase(() => url))).toEqual({
      schema: expect.stringContaining(`warning: version 99, newer than this program (${SCHEMA_VERSION})`),
    });
  });

  it('of the guide’s table without a migration says that one is due', async () => {
    const url = await postgres.createDatabase();
    const name = new URL(url).pathname.slice(1);
    await postgres.asSuperuser(`SET ROLE fraiseql_app; CREATE SCHEMA _system; ${GUIDE_TABLE}`, name);
    const found = bad(await verifyDatabase(() => url));
    expect(Object.keys(found)).toEqual(['schema', 'indexes', 'tables']);
  });
});
