import {describe, expect, it} from 'vitest';
import {authServer, browserOf, HOME, someone, visit} from '../../support/server/auth-server.ts';

describe('RFC 9700 4.11.1: the server leads to its own origin and the allowed ones, to nowhere else', () => {
  it.each([
    'https://evil.example.net',
    '//evil.example.net',
    String.raw`/\evil.example.net`,
    String.raw`\\evil.example.net`,
    '/\t/evil.example.net',
    'https:evil.example.net',
    'https://app.example.com.evil.example.net',
    'https://app.example.com@evil.example.net',
    'http://app.example.com/',
    'javascript:alert(1)',
    'data:text/html,x',
    ' https://evil.example.net',
  ])('return_to %j is refused before a login begins', async (returnTo) => {
    const server = await authServer();
    const query = new URLSearchParams({return_to: returnTo});
    const answer = await browserOf(server).visit(`${HOME}/auth/start?${String(query)}`);
    expect([answer.status, answer.location, answer.headers['set-cookie']]).toEqual([
      400,
      undefined,
      undefined,
    ]);
  });

  it.each(['/app', 'https://app.example.com/inbox'])('%s is led to', async (returnTo) => {
    const {answer} = await visit(await authServer(), {claims: {sub: someone()}}, {return_to: returnTo});
    expect(answer.location?.href).toBe(new URL(returnTo, HOME).href);
  });
});
