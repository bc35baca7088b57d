import {describe, expect, it} from 'vitest';
import type {Answer} from '../../support/browser.ts';
import {Browser} from '../../support/browser.ts';
import {authServer, begin, HOME, someone, theWorld} from '../../support/server/auth-server.ts';

describe('OWASP ASVS 10.1.1: a browser gets a cookie that scripts cannot read, and no token', () => {
  it("neither ours nor the provider's stands in anything that it is sent", async () => {
    const server = await authServer();
    const {op, servers} = await theWorld();
    const seen: Answer[] = [];
    const browser = new Browser({
      route: (url) => (url.origin === HOME ? new URL(url.pathname + url.search, server.url) : undefined),
      onAnswer: (_method, answer) => seen.push(answer),
    });
    const authorization = await begin(browser, server, {return_to: '/auth/account'});
    let upstream = '';
    op.answer = {
      idToken: async (claims, {key}) => {
        const {SignJWT} = await import('jose');
        upstream = await new SignJWT({...claims, sub: someone()})
          .setProtectedHeader({alg: 'RS256', kid: 'one'})
          .sign(key);
        return upstream;
      },
    };
    const end = await browser.visit(op.redirect(authorization));
    op.answer = {};
    expect(end.status).toBe(303);
    expect(end.headers['set-cookie']).toMatch(/HttpOnly; SameSite=Lax; Secure/);
    await browser.visit(`${HOME}/auth/account`, {headers: {accept: 'text/html'}});
    await browser.visit(`${HOME}/auth/me`);
    expect(upstream).not.toBe('');
    for (const answer of seen) {
      const all = JSON.stringify([answer.headers, answer.body, answer.location?.href]);
      expect(all).not.toContain(upstream);
      expect(all).not.toMatch(/eyJ[\w-]+\.eyJ/);
      expect(all).not.toContain('refresh_token');
    }
    expect(servers.logs.join('')).not.toContain(upstream);
  });
});
