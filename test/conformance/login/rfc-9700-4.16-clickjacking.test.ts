import {describe, expect, it} from 'vitest';
import {authServer, browserOf, HOME, someone, visit} from '../../support/server/auth-server.ts';

describe('RFC 9700 4.16: no page can be put into a frame', () => {
  it.each(['/auth/account', '/auth/signed-out', '/auth/callback?state=x&code=y', '/auth/nothing'])(
    '%s',
    async (path) => {
      const server = await authServer();
      const {browser} =
        path === '/auth/account'
          ? await visit(server, {claims: {sub: someone()}}, {return_to: '/app'})
          : {browser: browserOf(server)};
      const page = await browser.visit(HOME + path, {headers: {accept: 'text/html'}});
      expect(page.body).toContain('<html');
      expect(page.headers['content-security-policy']).toContain("frame-ancestors 'none'");
      expect(page.headers['x-frame-options']).toBe('DENY');
    },
  );
});
