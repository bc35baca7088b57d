// What nobody can ask for any more goes, all of it, however much there is.
import {afterAll, beforeAll, expect, it} from 'vitest';
import {Writable} from 'node:stream';
import {createPool} from '../../../src/database/pool.ts';
import {Database} from '../../../src/server/database.ts';
import {Metrics} from '../../../src/server/metrics.ts';
import {FORGET_SUCCESSORS} from '../../../src/server/sessions/sweep-statements.ts';
import {Sweeper} from '../../../src/server/sweeper.ts';
import {systemClock} from '../../../src/support/clock.ts';
import {createLogger} from '../../../src/support/logging.ts';
import {ownDatabase, type TestDatabase} from '../../support/shared-postgres.ts';

let database: TestDatabase;
let pool: ReturnType<typeof createPool>;
let sweeper: Sweeper;
const metrics = new Metrics();
const logs: string[] = [];

beforeAll(async () => {
  database = await ownDatabase();
  pool = createPool({url: database.url, size: 2, maxLifetimeSeconds: 0, statementTimeoutMs: 5_000});
  const sink = new Writable({
    write(chunk: Buffer, _encoding, done) {
      logs.push(chunk.toString());
      done();
    },
  });
  sweeper = new Sweeper({
    database: new Database(pool),
    sessions: {replayWindowSeconds: 60},
    clock: systemClock,
    logger: createLogger({component: 'server', level: 'info'}, sink),
    metrics,
  });
});
afterAll(async () => {
  await pool.end();
  await database.close();
});

const count = async (from: string): Promise<number> =>
  (await pool.query<{n: number}>(`SELECT count(*)::int AS n FROM _system.${from}`)).rows[0]?.n ?? -1;

/** Sessions that end that many seconds from now, named for `name`. */
const sessions = (name: string, number: number, endsIn: number): Promise<unknown> =>
  pool.query(
    `INSERT INTO _system.sessions (user_id, refresh_token_hash, issued_at, expires_at)
     SELECT $1, $1 || n, 0, extract(epoch FROM now())::bigint + $3 FROM generate_series(1, $2::int) n`,
    [name, number, endsIn],
  );

/** Refreshes of a session of those. */
const history = (name: string, number: number, sealed: boolean, age: string): Promise<unknown> =>
  pool.query(
    `INSERT INTO _system.refresh_history (token_hash, session_id, rotated_at, successor_sealed)
     SELECT $1 || '-' || $4 || '-' || n, (SELECT id FROM _system.sessions WHERE user_id = $1 LIMIT 1),
       now() - $4::text::interval, CASE WHEN $3::boolean THEN '\\x00'::bytea END
     FROM generate_series(1, $2::int) n`,
    [name, number, sealed, age],
  );

const LONG_AGO = -30 * 86_400;

it('of each kind, more than a batch', async () => {
  await sessions('alive', 10, 3_600);
  await sessions('lately', 10, -3_600);
  await sessions('old', 1_200, LONG_AGO);
  await history('alive', 12_001, true, '1 hour');
  await history('old', 6_000, false, '31 days');
  await pool.query(`
    INSERT INTO _system.refresh_history (token_hash, session_id, successor_sealed)
      SELECT 'fresh', id, '\\x00' FROM _system.sessions WHERE user_id = 'alive' LIMIT 1;
    INSERT INTO _system.logout_tokens (token_hash, expires_at)
      SELECT 'old' || n, now() - interval '1 minute' FROM generate_series(1, 6000) n;
    INSERT INTO _system.logout_tokens (token_hash, expires_at) VALUES ('good', now() + interval '1 minute');
    INSERT INTO _system.login_transactions (state_hash, provider, code_verifier_sealed, expires_at)
      SELECT 'old' || n, 'oidc', '\\x00', now() - interval '1 minute' FROM generate_series(1, 6000) n;
    INSERT INTO _system.login_transactions (state_hash, provider, code_verifier_sealed, expires_at)
      VALUES ('good', 'oidc', '\\x00', now() + interval '1 minute')`);
  await sweeper.sweep();
  expect({
    sealed: await count('refresh_history WHERE successor_sealed IS NOT NULL'),
    history: await count('refresh_history'),
    sessions: await count('sessions'),
    logoutTokens: await count('logout_tokens'),
    logins: await count('login_transactions'),
  }).toEqual({sealed: 1, history: 12_002, sessions: 20, logoutTokens: 1, logins: 1});
  const shown = await metrics.registry.metrics();
  expect(shown).toContain('fraiseql_auth_swept_total{kind="successors"} 12001');
  expect(shown).toContain('fraiseql_auth_swept_total{kind="sessions"} 1200');
  expect(logs).toEqual([]);
});

it('without a look at what was swept before', async () => {
  await history('alive', 100_000, false, '2 hours');
  await pool.query('ANALYZE _system.refresh_history');
  const {rows} = await pool.query<{'QUERY PLAN': string}>(
    `EXPLAIN ${FORGET_SUCCESSORS.text.replace('$1', '60')}`,
  );
  expect(rows.map((row) => row['QUERY PLAN']).join('\n')).toContain('idx_refresh_history_sealed');
});

it('where one kind fails the others are swept, and the log and a metric say so', async () => {
  await sessions('older', 3, LONG_AGO);
  await pool.query('ALTER TABLE _system.refresh_history RENAME COLUMN successor_sealed TO elsewhere');
  await sweeper.sweep();
  await pool.query('ALTER TABLE _system.refresh_history RENAME COLUMN elsewhere TO successor_sealed');
  expect(await count(`sessions WHERE user_id = 'older'`)).toBe(0);
  expect(logs).toEqual([expect.stringContaining('"kind":"successors"')]);
  expect(await metrics.registry.metrics()).toContain(
    'fraiseql_auth_sweep_failures_total{kind="successors"} 1',
  );
});

it('that a replica holds is left to it', async () => {
  await sessions('held', 2, LONG_AGO);
  const client = await pool.connect();
  await client.query(`BEGIN; SELECT FROM _system.sessions WHERE refresh_token_hash = 'held1' FOR UPDATE`);
  await sweeper.sweep();
  await client.query('ROLLBACK');
  client.release();
  expect(await count(`sessions WHERE user_id = 'held'`)).toBe(1);
});
