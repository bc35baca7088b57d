import {describe, expect, it} from 'vitest';
import {authServer} from '../../support/server/auth-server.ts';

describe('RFC 8414 3.2: the answer is a 200 with a JSON object, which anybody may read', () => {
  it.each(['/.well-known/oauth-authorization-server', '/.well-known/jwks.json'])('%s', async (path) => {
    const server = await authServer();
    const answer = await fetch(server.url + path, {headers: {origin: 'https://somewhere.example.com'}});
    expect(answer.status).toBe(200);
    expect(answer.headers.get('content-type')).toBe('application/json; charset=utf-8');
    expect(answer.headers.get('cache-control')).toBe('public, max-age=300');
    expect(answer.headers.get('set-cookie')).toBeNull();
    expect(await answer.json()).toBeTypeOf('object');
  });
});
