import {describe, expect, it} from 'vitest';
import {authServer, browserOf, HOME, someone, visit} from '../../support/server/auth-server.ts';

describe('RFC 9700 4.2.4: no page hands its address on, and none loads anything of others', () => {
  it.each([
    '/auth/start?provider=none',
    '/auth/callback?code=secret-code&state=secret-state',
    '/auth/signed-out',
  ])('%s', async (path) => {
    const server = await authServer();
    const page = await browserOf(server).visit(HOME + path, {headers: {accept: 'text/html'}});
    expect(page.headers['referrer-policy']).toBe('no-referrer');
    expect(page.headers['content-security-policy']).toMatch(/^default-src 'none'/);
    expect(page.body).toContain('<html');
    expect(page.body).not.toContain('secret-code');
    expect(page.body).not.toContain('secret-state');
    expect(page.body).not.toMatch(/(?:src|href)="(?:https?:)?\/\//);
  });

  it('the redirects of a login', async () => {
    const server = await authServer();
    const {answer} = await visit(
      server,
      {claims: {sub: someone()}},
      {return_to: 'https://app.example.com/in'},
    );
    expect([answer.status, answer.headers['referrer-policy']]).toEqual([303, 'no-referrer']);
  });
});
