import {describe, expect, it} from 'vitest';
import {holdSession} from '../../support/server/sessions.ts';
import type {Tokens} from '../../support/login.ts';
import {authServer, HOME, refresh, someone, statusOf, visit} from '../../support/server/auth-server.ts';

describe('OWASP ASVS 7.4.1: after a logout nothing of the session is of any use', () => {
  it('no access token, no refresh token, not those of before either, on any replica', async () => {
    const [a, b] = await Promise.all([authServer(), authServer({}, 2)]);
    const held = await holdSession(a, {subject: someone()});
    const next = (await (await refresh(a, held.refresh)).json()) as Tokens;
    expect(await statusOf(b, held.access)).toBe(200);
    const answer = await fetch(`${a.url}/auth/logout`, {
      method: 'POST',
      headers: {'content-type': 'application/json'},
      body: JSON.stringify({refresh_token: next.refresh_token}),
    });
    expect(answer.status).toBe(204);
    for (const token of [held.access, next.access_token]) {
      for (const path of ['/auth/verify', '/auth/me', '/auth/sessions'])
        expect(await statusOf(a, token, path)).toBe(401);
      await expect.poll(() => statusOf(b, token), {timeout: 1_000, interval: 20}).toBe(401);
    }
    for (const token of [held.refresh, next.refresh_token])
      expect((await refresh(b, token)).status).toBe(401);
  });

  it('the cookie is taken from the browser, and a copy of it is refused', async () => {
    const server = await authServer();
    const {browser} = await visit(server, {claims: {sub: someone()}}, {return_to: '/app'});
    const cookie = await browser.jar.getCookieString(HOME);
    expect((await browser.visit(`${HOME}/auth/logout`, {method: 'POST'})).status).toBe(204);
    expect(await browser.jar.getCookieString(HOME)).toBe('');
    expect((await fetch(`${server.url}/auth/verify`, {headers: {cookie}})).status).toBe(401);
  });

  it('and no page of before is shown again: nothing is stored', async () => {
    const server = await authServer();
    const {browser} = await visit(server, {claims: {sub: someone()}}, {return_to: '/app'});
    const page = await browser.visit(`${HOME}/auth/account`, {headers: {accept: 'text/html'}});
    expect([page.status, page.headers['cache-control']]).toEqual([200, 'no-store']);
  });
});
