// The look at the database, beside requests that wait for a lock.
import {afterAll, beforeAll, expect, it} from 'vitest';
import {Client} from 'pg';
import {createPool} from '../../../src/database/pool.ts';
import {probeDatabase} from '../../../src/server/health/database-probe.ts';
import {migrate} from '../../support/server/stack.ts';
import {ownDatabase, type TestDatabase} from '../../support/shared-postgres.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await ownDatabase();
  await migrate(database.url);
});
afterAll(() => database.close());

it('is not cut short by requests that come while it looks', async () => {
  const pool = createPool({url: database.url, size: 2, maxLifetimeSeconds: 0, statementTimeoutMs: 10_000});
  await Promise.all([pool.query('SELECT pg_sleep(0.05)'), pool.query('SELECT pg_sleep(0.05)')]);
  expect(pool.idleCount).toBe(2);
  const holder = new Client(database.url);
  await holder.connect();
  await holder.query('BEGIN; LOCK TABLE _system.sessions IN ACCESS EXCLUSIVE MODE');
  const look = probeDatabase(pool, database.url);
  // What comes while the look's first question is under way takes whatever is free before its second.
  const burst = Promise.all([1, 2].map(() => pool.query('SELECT FROM _system.sessions LIMIT 1')));
  try {
    await expect(look).resolves.toMatchObject({refusal: {code: '55P03'}});
  } finally {
    await holder.end();
    await burst;
    await pool.end();
  }
});

it('changes nothing to find out whether there may be a change', async () => {
  await database.asSuperuser(`CREATE TABLE fired (by text);
    CREATE FUNCTION fired() RETURNS trigger LANGUAGE plpgsql AS
      $$ BEGIN INSERT INTO fired VALUES (TG_NAME); RETURN NULL; END $$;
    CREATE TRIGGER each_row AFTER UPDATE ON _system.sessions FOR EACH ROW EXECUTE FUNCTION fired()`);
  const pool = createPool({url: database.url, size: 1, maxLifetimeSeconds: 0});
  expect(await probeDatabase(pool, database.url)).toEqual({refusal: undefined});
  await pool.end();
  expect((await database.asSuperuser('SELECT FROM fired')).rowCount).toBe(0);
});
