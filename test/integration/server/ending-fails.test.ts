// The database does not end a session: whoever asked for it can ask again, and a login that succeeded is not lost.
import {afterAll, beforeAll, beforeEach, expect, it} from 'vitest';
import type {RunningServer} from '../../../src/server/server.ts';
import type {Browser} from '../../support/browser.ts';
import {closeTheWorld, authServer, HOME, theWorld, visit} from '../../support/server/auth-server.ts';

let server: RunningServer;
beforeAll(async () => {
  server = await authServer();
});
beforeEach(() => endingFails(false));
afterAll(closeTheWorld);

/** While it does, every statement that would end a session is cancelled, as one that waits too long is. */
async function endingFails(fails: boolean): Promise<void> {
  const {database} = await theWorld();
  await database.asSuperuser('DROP TRIGGER IF EXISTS fails ON _system.sessions');
  if (!fails) return;
  await database.asSuperuser(`
    CREATE OR REPLACE FUNCTION fails() RETURNS trigger LANGUAGE plpgsql AS
      $$ BEGIN RAISE EXCEPTION 'cancelled' USING ERRCODE = '57014'; END $$;
    CREATE TRIGGER fails BEFORE UPDATE OF revoked_at ON _system.sessions EXECUTE FUNCTION fails()`);
}

const sessionOf = async (browser: Browser): Promise<string | undefined> =>
  (await browser.jar.getCookies(HOME)).find(({key}) => key === '__Host-fraiseql-session')?.value;

it('a logout that answers 503 leaves the cookie, and the next one ends the session', async () => {
  const {browser} = await visit(server, {}, {return_to: '/app'});
  const before = await sessionOf(browser);
  expect(before).toBeDefined();
  await endingFails(true);
  expect((await browser.visit(`${HOME}/auth/logout`, {json: {}})).status).toBe(503);
  expect(await sessionOf(browser)).toBe(before);
  await endingFails(false);
  expect((await browser.visit(`${HOME}/auth/logout`, {json: {}})).status).toBe(204);
  expect(await sessionOf(browser)).toBeUndefined();
});

it('a login whose browser has a session already succeeds, and the log says that the one before stands', async () => {
  const {browser} = await visit(server, {}, {return_to: '/app'});
  const before = await sessionOf(browser);
  await endingFails(true);
  const {answer} = await visit(server, {}, {return_to: '/app'}, browser);
  expect([answer.status, answer.location?.pathname]).toEqual([303, '/app']);
  const after = await sessionOf(browser);
  expect(after).not.toBe(before);
  expect((await browser.visit(`${HOME}/auth/verify`)).status).toBe(200);
  const {servers} = await theWorld();
  expect(servers.logs.join('')).toContain('the session whose cookie is replaced could not be ended');
});

it('deadlocks that do not end are a 503', async () => {
  const {browser} = await visit(server, {}, {return_to: '/app'});
  await endingFails(true);
  const {database} = await theWorld();
  await database.asSuperuser(`
    CREATE OR REPLACE FUNCTION fails() RETURNS trigger LANGUAGE plpgsql AS
      $$ BEGIN RAISE EXCEPTION 'deadlock' USING ERRCODE = '40P01'; END $$`);
  const answer = await browser.visit(`${HOME}/auth/logout`, {json: {}});
  expect([answer.status, answer.headers['retry-after']]).toEqual([503, '2']);
});
