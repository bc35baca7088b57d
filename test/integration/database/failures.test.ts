import {setTimeout as delay} from 'node:timers/promises';
import {afterAll, beforeAll, describe, expect, it} from 'vitest';
import {migrateDatabase} from '../../../src/database/migrate.ts';
import {startPostgres, type TestPostgres} from '../../support/postgres.ts';
import {runProgram} from '../../support/program.ts';
import {migration} from './fixtures.ts';

let postgres: TestPostgres;
beforeAll(async () => {
  postgres = await startPostgres();
});
afterAll(() => postgres.close());

/** The URL with one part changed. */
function changed(change: (url: URL) => void): string {
  const url = new URL(postgres.url);
  change(url);
  return url.href;
}

describe('db migrate says what is wrong and what to do', () => {
  it.each<[string, () => string, string, string, string]>([
    [
      'a wrong password',
      () => changed((url) => (url.password = 'hunter2')),
      'DatabaseAuthenticationFailed',
      'fraiseql_app',
      'password',
    ],
    [
      'an unknown role',
      () => changed((url) => (url.username = 'nobody')),
      'DatabaseAuthenticationFailed',
      'nobody',
      'password',
    ],
    [
      'a database in the wrong case',
      () => changed((url) => (url.pathname = '/FraiseQL')),
      'DatabaseNotFound',
      '"FraiseQL"',
      'makes "fraiseql"',
    ],
    [
      'a database that is not there',
      () => changed((url) => (url.pathname = '/nowhere')),
      'DatabaseNotFound',
      '"nowhere"',
      'CREATE DATABASE "nowhere" OWNER "fraiseql_app"',
    ],
    [
      'nobody listening',
      () => changed((url) => (url.port = '1')),
      'DatabaseUnreachable',
      '127.0.0.1:1',
      'Nothing listens',
    ],
    [
      'an unknown host',
      () => changed((url) => (url.hostname = 'db.invalid')),
      'DatabaseUnreachable',
      'db.invalid',
      'resolve',
    ],
    [
      'encryption that the server lacks',
      () => `${postgres.url}?sslmode=require`,
      'DatabaseUnreachable',
      'SSL',
      'sslmode',
    ],
    [
      'a certificate file that is missing',
      () => `${postgres.url}?sslmode=verify-full&sslrootcert=/nowhere.pem`,
      'DatabaseURLInvalid',
      '/nowhere.pem',
      'sslrootcert',
    ],
    ['no URL', () => 'fraiseql', 'DatabaseURLInvalid', 'postgres://', 'USER:PASSWORD@HOST'],
  ])('%s', async (_name, url, reason, inMessage, inHint) => {
    const {code, output, outcome} = await runProgram(['db', 'migrate'], {DATABASE_URL: url()});
    expect(code).toBe(1);
    expect(outcome).toMatchObject({ok: false, kind: 'migrate', reason});
    expect(outcome?.ok === false && outcome.message).toContain(inMessage);
    expect(outcome?.ok === false && outcome.hint).toContain(inHint);
    expect(output).not.toContain(new URL(postgres.url).password);
    expect(output).not.toContain('hunter2');
  });

  it('a role that may not create the schema', async () => {
    await postgres.asSuperuser('CREATE DATABASE strict');
    await expect(migrateDatabase(migration(postgres.databaseUrl('strict')))).rejects.toMatchObject({
      reason: 'DatabasePermissionDenied',
      hint: expect.stringContaining('CREATE SCHEMA _system AUTHORIZATION "fraiseql_app"'),
    });
    await postgres.asSuperuser('CREATE SCHEMA _system AUTHORIZATION fraiseql_app', 'strict');
    expect(await migrateDatabase(migration(postgres.databaseUrl('strict')))).toMatchObject({from: '0'});
  });

  it('a password with every character that a URL gives a meaning works', async () => {
    const password = 'p@ss:w/rd#1%?&=+ é';
    await postgres.asSuperuser(`CREATE ROLE odd LOGIN PASSWORD '${password}'`);
    await postgres.asSuperuser('CREATE DATABASE odd OWNER odd');
    const url = `postgres://odd:${encodeURIComponent(password)}@127.0.0.1:${postgres.port}/odd`;
    const {code, output} = await runProgram(['db', 'migrate'], {DATABASE_URL: url});
    expect(output).not.toContain(password);
    expect(code).toBe(0);
  });
});

it('waits for a database that is coming up, as long as it was told to', async () => {
  const url = await postgres.createDatabase();
  await postgres.stop();
  await expect(migrateDatabase(migration(url))).rejects.toMatchObject({reason: 'DatabaseUnreachable'});
  const waiting = migrateDatabase(migration(url, {waitMs: 20_000}));
  await delay(700);
  await postgres.start();
  expect(await waiting).toMatchObject({from: '0'});
});

it('a wrong password is not waited for', async () => {
  const url = changed((each) => (each.password = 'wrong'));
  const started = performance.now();
  await expect(migrateDatabase(migration(url, {waitMs: 60_000}))).rejects.toMatchObject({
    reason: 'DatabaseAuthenticationFailed',
  });
  expect(performance.now() - started).toBeLessThan(15_000);
});
