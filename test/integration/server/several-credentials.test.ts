// A request that names sessions in more than one way.
import {afterAll, beforeAll, describe, expect, it} from 'vitest';
import type {RunningServer} from '../../../src/server/server.ts';
import {authServer, HOME, refresh, someone, theWorld, visit} from '../../conformance/support/auth-server.ts';
import type {Browser} from '../../support/browser.ts';
import {holdSession, type HeldSession} from './support/sessions.ts';

let server: RunningServer;
beforeAll(async () => {
  server = await authServer();
});
afterAll(async () => {
  const {servers, op, database} = await theWorld();
  await servers.stop();
  await Promise.all([op.close(), database.close()]);
});

const held = (): Promise<HeldSession> => holdSession(server, {subject: someone()});
const signedIn = async (): Promise<Browser> => (await visit(server, {}, {return_to: '/app'})).browser;
const cookieOf = async (browser: Browser): Promise<string> => browser.jar.getCookieString(HOME);
const verify = async (headers: Record<string, string>): Promise<number> =>
  (await fetch(`${server.url}/auth/verify`, {headers})).status;

describe('a logout', () => {
  it('ends the session of the cookie beside a refresh token that names nothing', async () => {
    const browser = await signedIn();
    const cookie = await cookieOf(browser);
    const answer = await browser.visit(`${HOME}/auth/logout`, {json: {refresh_token: 'x'.repeat(43)}});
    expect(answer.status).toBe(204);
    expect(await verify({cookie})).toBe(401);
    expect(await cookieOf(browser)).toBe('');
  });

  it('ends each session that is named: of the refresh token, of the access token, of the cookie', async () => {
    const browser = await signedIn();
    const cookie = await cookieOf(browser);
    const [one, other] = await Promise.all([held(), held()]);
    const answer = await browser.visit(`${HOME}/auth/logout`, {
      json: {refresh_token: one.refresh},
      headers: {authorization: `Bearer ${other.access}`},
    });
    expect(answer.status).toBe(204);
    expect((await refresh(server, one.refresh)).status).toBe(401);
    expect((await refresh(server, other.refresh)).status).toBe(401);
    expect(await verify({cookie})).toBe(401);
  });
});
