import {join} from 'node:path';
import {afterAll, beforeAll, expect, it} from 'vitest';
import {SCHEMA_VERSION} from '../../../src/database/version.ts';
import {startPostgres, type TestPostgres} from '../../support/postgres.ts';
import {startProgram} from '../../support/program.ts';

// What is shipped: migrations and the libraries around them are found from the bundle, too. `make build` makes it.
const main = join(import.meta.dirname, '../../../dist/main.js');

let postgres: TestPostgres;
beforeAll(async () => {
  postgres = await startPostgres();
});
afterAll(() => postgres.close());

it('the bundle migrates and verifies, from whatever directory it is started', async () => {
  const env = {DATABASE_URL: postgres.url};
  const options = {main, through: ['env', '--chdir=/']};
  const migrated = await (await startProgram(['db', 'migrate'], env, options)).ended;
  expect(migrated.output).toContain('migrate succeeded');
  expect(migrated.outcome).toMatchObject({ok: true, detail: {from: '0', schema: SCHEMA_VERSION}});
  const verified = await (await startProgram(['db', 'verify'], env, options)).ended;
  expect(verified.output).toMatch(/ok +schema/);
  expect(verified.code).toBe(0);
});
