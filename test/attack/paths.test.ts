// Other spellings of a path, by which a request passes the rules of an edge and is served all the same.
import {beforeAll, describe, expect, it} from 'vitest';
import type {Target} from '../../src/attack/target.ts';
import {authServer, logIn} from '../support/server/auth-server.ts';
import {isOurs, targetOf} from './support/attacked.ts';

let target: Target;
let authorization: string;
beforeAll(async () => {
  const server = await authServer();
  target = targetOf(server);
  authorization = `Bearer ${(await logIn(server)).access_token}`;
});

describe('what is not the one spelling of a path is not served, though the credential is good', () => {
  it.each([
    '//auth/me',
    '/auth//me',
    '//auth//refresh',
    '/AUTH/me',
    '/auth/ME',
    '/auth/me/',
    '/auth/me//',
    '/auth/./me',
    '/auth/../auth/me',
    '/x/../auth/me',
    '/auth/%6de',
    '/auth/%6De',
    '/%61uth/me',
    '/auth%2fme',
    '/auth/%2e/me',
    '/auth/%2e%2e/auth/me',
    '/auth/%256de',
    '/auth/me%00',
    '/auth/me%20',
    '/auth/me%',
    '/auth/me%zz',
    '/auth/me%2f',
    '/auth/me;x=y',
    '/auth;x/me',
    '/auth/me.',
    '/auth./me',
    '/auth/me..',
    '/auth/me#x',
    String.raw`/auth\me`,
    String.raw`\auth\me`,
    'auth/me',
    '*',
    '/%6detrics',
    '/metri%63s',
    '/metrics/',
    '/metrics;x',
    '/metrics#',
    '/auth/../metrics',
    '/auth/%2e%2e/metrics',
    '/auth/..%2fmetrics',
    '/auth/..;/metrics',
    '/auth/verifyx',
    '/auth/verify/../me',
    '/auth/verify/..;/me',
    '/auth/verify/%2e%2e/me',
    '/auth/verify/x/..%2fme',
    '/auth/verify/x/.%2E',
    String.raw`/auth/verify/x\y`,
    '/health/%6cive',
    '/.well-known/jwks%2ejson',
    'http://evil.example/auth/me',
    'https://evil.example/metrics',
    'HTTP://evil.example/auth/me',
    'http://user@evil.example/auth/me',
    'ftp://evil.example/auth/me',
  ])('%s', async (path) => {
    const answer = await target.ask(path, {headers: {authorization}});
    expect([400, 404]).toContain(answer.status);
    expect(isOurs(answer)).toBe(true);
    expect(answer.headers).toMatchObject({
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      'x-request-id': expect.stringMatching(/^[0-9a-f-]{36}$/) as string,
    });
  });

  it('but the absolute form of this very server is (RFC 9112 3.2.2)', async () => {
    const path = `http://${target.url.host}/auth/me`;
    expect((await target.ask(path, {headers: {authorization}})).status).toBe(200);
    expect((await target.ask(path)).status).toBe(401);
  });
});

describe('what guards a route guards it in every form', () => {
  it.each(['/auth/logout', 'http://HOST/auth/logout'])('%s', async (path) => {
    const cookie = `__Host-fraiseql-session=${'A'.repeat(43)}`;
    const headers = {cookie, origin: 'https://evil.example', 'content-type': 'application/json'};
    const absolute = path.replace('HOST', target.url.host);
    const answer = await target.ask(absolute, {method: 'POST', headers, body: '{}'});
    expect(answer.status).toBe(403);
  });

  it.each(['x-http-method-override', 'x-method-override', 'x-http-method', '_method'])(
    'a method in %s is not taken',
    async (name) => {
      const headers = {authorization, [name]: 'DELETE'};
      expect((await target.ask('/auth/sessions', {headers})).status).toBe(200);
      const posted = await target.ask('/auth/me', {method: 'POST', headers});
      expect(posted.status).toBe(405);
    },
  );

  it.each(['x-original-url', 'x-rewrite-url', 'x-forwarded-path', 'x-original-uri', 'x-forwarded-prefix'])(
    'a path in %s is not taken',
    async (name) => {
      const answer = await target.ask('/auth/verify', {headers: {[name]: '/metrics'}});
      expect(answer.status).toBe(401);
    },
  );
});
