import {afterAll, beforeAll, describe, expect, it} from 'vitest';
import {databaseFault} from '../../../src/database/errors.ts';
import {createPool} from '../../../src/database/pool.ts';
import {startPostgres, type TestPostgres} from '../../support/postgres.ts';

let postgres: TestPostgres;
beforeAll(async () => {
  postgres = await startPostgres();
});
afterAll(() => postgres.close());

const faultOf = async (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'none',
    (error: unknown) => databaseFault(error),
  );

describe('the pool', () => {
  it('survives an outage: fails at once meanwhile, and works again by itself', async () => {
    const broken: Error[] = [];
    const pool = createPool({
      url: postgres.url,
      size: 4,
      maxLifetimeSeconds: 60,
      onError: (error) => broken.push(error),
    });
    try {
      await Promise.all(Array.from({length: 4}, () => pool.query('SELECT 1')));
      const underWay = faultOf(pool.query('SELECT pg_sleep(30)'));
      await postgres.stop();
      expect(await underWay).toBe('unreachable');
      expect(await faultOf(pool.query('SELECT 1'))).toBe('unreachable');
      expect(broken.length).toBeGreaterThan(0);
      await postgres.start();
      expect(await faultOf(pool.query('SELECT 1'))).toBe('none');
    } finally {
      await pool.end();
      await postgres.start();
    }
  });

  it('ends a statement that takes too long, on the server too', async () => {
    const pool = createPool({url: postgres.url, size: 1, maxLifetimeSeconds: 60, statementTimeoutMs: 200});
    try {
      expect(await faultOf(pool.query('SELECT pg_sleep(30)'))).toBe('timeout');
      expect(await faultOf(pool.query('SELECT 1'))).toBe('none');
    } finally {
      await pool.end();
    }
  });

  it('does not wait for ever for a free connection', async () => {
    const pool = createPool({url: postgres.url, size: 1, maxLifetimeSeconds: 60, connectTimeoutMs: 200});
    const held = await pool.connect();
    try {
      expect(await faultOf(pool.query('SELECT 1'))).toBe('timeout');
    } finally {
      held.release();
      await pool.end();
    }
  });

  it('replaces a connection past its lifetime', async () => {
    const pool = createPool({url: postgres.url, size: 1, maxLifetimeSeconds: 1});
    const pid = async (): Promise<unknown> => (await pool.query('SELECT pg_backend_pid() AS pid')).rows[0];
    try {
      const first = await pid();
      await expect.poll(pid, {timeout: 5_000}).not.toEqual(first);
    } finally {
      await pool.end();
    }
  });

  it('tells the faults of an address apart', async () => {
    const at = async (change: (url: URL) => void): Promise<string> => {
      const url = new URL(postgres.url);
      change(url);
      const pool = createPool({url: url.href, size: 1, maxLifetimeSeconds: 60});
      const fault = await faultOf(pool.query('SELECT 1'));
      await pool.end();
      return fault;
    };
    expect(await at((url) => (url.password = 'wrong'))).toBe('authentication_failed');
    expect(await at((url) => (url.pathname = '/nowhere'))).toBe('not_found');
    expect(await at((url) => (url.port = '1'))).toBe('unreachable');
    expect(await at((url) => (url.hostname = 'db.invalid'))).toBe('unreachable');
  });

  it('refuses at once a URL that can never work', () => {
    const create = (url: string) => () => createPool({url, size: 1, maxLifetimeSeconds: 60});
    expect(create('nonsense')).toThrow('postgres://');
    expect(create(`${postgres.url}?sslmode=verify-ca`)).toThrow('sslrootcert');
    expect(create(`${postgres.url}?sslmode=verify-full&sslrootcert=/nowhere.pem`)).toThrow('/nowhere.pem');
  });
});
