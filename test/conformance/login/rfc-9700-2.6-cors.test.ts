import {describe, expect, it} from 'vitest';
import {authServer} from '../../support/server/auth-server.ts';

describe('RFC 9700 2.6: the callback is for redirects: no script of another origin may ask it', () => {
  it.each(['https://app.example.com', 'https://evil.example.net', 'null'])('%s', async (origin) => {
    const server = await authServer();
    for (const method of ['GET', 'OPTIONS']) {
      const answer = await fetch(`${server.url}/auth/callback?state=x&code=y`, {
        method,
        headers: {origin, 'access-control-request-method': 'GET'},
      });
      expect(answer.headers.get('access-control-allow-origin')).toBeNull();
    }
  });
});
