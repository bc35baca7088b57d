// A request that names sessions in more than one way.
import {afterAll, beforeAll, describe, expect, it} from 'vitest';
import type {RunningServer} from '../../../src/server/server.ts';
import {closeTheWorld, authServer, HOME, refresh, someone, visit} from '../../support/server/auth-server.ts';
import type {Browser} from '../../support/browser.ts';
import {holdSession, type HeldSession} from '../../support/server/sessions.ts';

let server: RunningServer;
beforeAll(async () => {
  server = await authServer();
});
afterAll(closeTheWorld);

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

describe('an Authorization header of another scheme', () => {
  const basic = `Basic ${Buffer.from('staging:password').toString('base64')}`;

  it('is for somebody else: the session of the cookie is checked, shown and ended', async () => {
    const browser = await signedIn();
    const cookie = await cookieOf(browser);
    const headers = {cookie, authorization: basic};
    expect(await verify(headers)).toBe(200);
    const account = await fetch(`${server.url}/auth/account`, {headers: {...headers, accept: 'text/html'}});
    expect(account.status).toBe(200);
    const ended = await fetch(`${server.url}/auth/logout`, {
      method: 'POST',
      redirect: 'manual',
      headers: {...headers, accept: 'text/html', 'sec-fetch-site': 'same-origin'},
    });
    expect(ended.headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(await verify({cookie})).toBe(401);
  });

  it('is no credential', async () => {
    const answer = await fetch(`${server.url}/auth/verify`, {headers: {authorization: basic}});
    expect([answer.status, answer.headers.get('www-authenticate')]).toEqual([401, 'Bearer realm="fraiseql"']);
  });
});

it.each(['Bearer', 'Bearer ', 'bearer x', 'Bearer a.b.c', 'BEARER\tx', 'Bearer, x', 'Bearer x y'])(
  'a session cookie saves no %j',
  async (authorization) => {
    const cookie = await cookieOf(await signedIn());
    expect(await verify({cookie})).toBe(200);
    const answer = await fetch(`${server.url}/auth/verify`, {headers: {cookie, authorization}});
    expect([answer.status, answer.headers.get('www-authenticate')]).toEqual([
      401,
      'Bearer realm="fraiseql", error="invalid_token"',
    ]);
  },
);
