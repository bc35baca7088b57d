// A PostgreSQL that takes connections over TLS alone, with a certificate of an authority that nobody else knows.
import {copyFileSync, mkdtempSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import type {Pool} from 'pg';
import {afterAll, beforeAll, describe, expect, it} from 'vitest';
import {createPool} from '../../../src/database/pool.ts';
import {explain} from '../../../src/database/explain.ts';
import {parseDatabaseUrl, withAuthority} from '../../../src/database/url.ts';
import {databaseUrlProblem} from '../../../src/server/database-url.ts';
import {selfSigned, type TestCertificate} from '../../support/certificate.ts';
import {startPostgres, type TestPostgres} from '../../support/postgres.ts';
import {speakTls} from '../../support/postgres-tls.ts';
import {runProgram} from '../../support/program.ts';
import {configurationFor, serversOn, until} from '../../support/server/stack.ts';

let postgres: TestPostgres;
let own: TestCertificate;
let other: TestCertificate;
const directory = mkdtempSync(join(tmpdir(), 'fraiseql-tls-'));

beforeAll(async () => {
  // Each is the authority of its own certificate, for that name and 127.0.0.1.
  [own, other] = [selfSigned(directory, 'database'), selfSigned(directory, 'other')];
  postgres = await startPostgres();
  await speakTls(postgres, own);
});
afterAll(async () => {
  await postgres.close();
  rmSync(directory, {recursive: true});
});

/** Whether the connection is encrypted; or why there is none. */
async function connect(url: string): Promise<string> {
  const pool = createPool({url, size: 1, maxLifetimeSeconds: 60});
  try {
    const {rows} = await pool.query<{ssl: boolean}>(
      'SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()',
    );
    return rows[0]?.ssl === true ? 'encrypted' : 'plain';
  } catch (error) {
    const {reason, message, hint} = explain(error, parseDatabaseUrl(url));
    return `${reason}: ${message}. ${hint}`;
  } finally {
    await pool.end();
  }
}

describe('the driver', () => {
  it('trusts the authority that is named, and no other', async () => {
    expect(await connect(withAuthority(postgres.url, own.certPath))).toBe('encrypted');
    const refused = await connect(withAuthority(postgres.url, other.certPath));
    expect(refused).toMatch(/^DatabaseUnreachable: .*certificate/);
    expect(refused).toContain('spec.database.caSecretRef');
  });

  it('checks the name of the host, unless the URL leaves it out', async () => {
    // The certificate is for 127.0.0.1, not for this name.
    const url = postgres.url.replace('127.0.0.1', 'localhost');
    expect(await connect(withAuthority(url, own.certPath))).toContain('localhost');
    for (const mode of ['verify-ca', 'require'])
      expect(await connect(withAuthority(`${url}?sslmode=${mode}`, own.certPath))).toBe('encrypted');
    expect(await connect(withAuthority(`${url}?sslmode=require`, other.certPath))).toMatch(
      /^DatabaseUnreachable/,
    );
  });

  it('checks nothing with no-verify, whose certificate it would refuse otherwise', async () => {
    expect(await connect(`${postgres.url}?sslmode=verify-full`)).toMatch(/certificate/);
    expect(await connect(`${postgres.url}?sslmode=no-verify`)).toBe('encrypted');
    expect(await connect(`${postgres.url}?sslmode=no-verify&uselibpqcompat=true`)).toBe('encrypted');
  });
});

describe('a pool whose authority stands in a file', () => {
  /** Asks while its one connection is in use, which is then closed: the pool makes another by itself. */
  async function askedMeanwhile(pool: Pool): Promise<unknown> {
    const client = await pool.connect();
    const asked = pool.query<{one: number}>('SELECT 1 AS one').then(({rows}) => rows, String);
    client.release(true);
    return asked;
  }

  it('goes on by what the file held when it is gone, and by what it holds when it is another', async () => {
    const file = join(directory, 'authority.pem');
    copyFileSync(own.certPath, file);
    const pool = createPool({url: withAuthority(postgres.url, file), size: 1, maxLifetimeSeconds: 60});
    try {
      expect(await askedMeanwhile(pool)).toEqual([{one: 1}]);
      rmSync(file);
      expect(await askedMeanwhile(pool)).toEqual([{one: 1}]);
      (await pool.connect()).release(true);
      copyFileSync(other.certPath, file);
      await expect(pool.query('SELECT 1')).rejects.toThrow(/certificate/);
      copyFileSync(own.certPath, file);
      expect(await askedMeanwhile(pool)).toEqual([{one: 1}]);
    } finally {
      await pool.end();
    }
  });

  it('is not made where the file is not there: one message, which names it', () => {
    const url = `${postgres.url}?sslmode=verify-full&sslrootcert=/nowhere.pem`;
    expect(() => createPool({url, size: 1, maxLifetimeSeconds: 60})).toThrow(
      /cannot be used: .*\/nowhere\.pem/,
    );
  });
});

describe('with DATABASE_CA_FILE', () => {
  const env = (url: string, certificate = own) => ({
    DATABASE_URL: url,
    DATABASE_CA_FILE: certificate.certPath,
  });

  it('a database is migrated, verified, backed up and restored', async () => {
    const [source, target] = [await postgres.createDatabase(), await postgres.createDatabase()];
    const backups = {BACKUP_DESTINATION: `file://${directory}/backups`};
    expect((await runProgram(['db', 'migrate'], env(source))).outcome).toMatchObject({ok: true});
    expect((await runProgram(['db', 'verify'], env(source))).code).toBe(0);
    expect((await runProgram(['backup'], {...env(source), ...backups})).outcome).toMatchObject({ok: true});
    const restored = await runProgram(['restore', '--from', 'latest'], {...env(target), ...backups});
    expect(restored.outcome).toMatchObject({ok: true});
  });

  it('of another authority, each refuses', async () => {
    const url = await postgres.createDatabase();
    for (const command of [['db', 'migrate'], ['backup']]) {
      const {outcome, code} = await runProgram(command, {
        ...env(url, other),
        BACKUP_DESTINATION: `file://${directory}/none`,
      });
      expect(code).toBe(1);
      expect(outcome).toMatchObject({ok: false, message: expect.stringContaining('certificate') as string});
    }
  });

  it('the server serves, and hears of sessions that end', async () => {
    const url = await postgres.createDatabase();
    await runProgram(['db', 'migrate'], env(url));
    const issuer = 'http://127.0.0.1:9/';
    const servers = serversOn(url, issuer);
    try {
      const server = await servers.server({DATABASE_CA_FILE: own.certPath});
      await until('the database is reached', async () =>
        (await (await fetch(`${server.url}/health/auth`)).text()).includes('"db":"ok"'),
      );
      await until('the feed is up', async () =>
        (await (await fetch(`${server.url}/metrics`)).text()).includes('fraiseql_auth_revocation_feed_up 1'),
      );
    } finally {
      await servers.stop();
    }
    expect(() => configurationFor(url, issuer, {DATABASE_CA_FILE: own.keyPath})).toThrow(
      'DATABASE_CA_FILE: must name a file with one certificate',
    );
    expect(() => configurationFor(url, issuer, {DATABASE_CA_FILE: '/nowhere.pem'})).toThrow(
      'the file /nowhere.pem cannot be read',
    );
    expect(databaseUrlProblem(`${url}?sslmode=prefer`, own.certPath)).toContain('sslmode=verify-full');
  });
});
