import {describe, expect, it} from 'vitest';
import {authServer, begin, browserOf, HOME} from '../../support/server/auth-server.ts';

describe('OpenID Connect Core 15.5.2: a nonce is 256 random bits for one login, which the browser cannot choose', () => {
  it('each login has another, and it is no other value of that login', async () => {
    const server = await authServer();
    const asked = await Promise.all(
      Array.from({length: 20}, async () => {
        const browser = browserOf(server);
        const {searchParams} = await begin(browser, server);
        return {searchParams, cookies: await browser.jar.getCookieString(`${HOME}/auth/callback`)};
      }),
    );
    const nonces = asked.map(({searchParams}) => searchParams.get('nonce') ?? '');
    expect(new Set(nonces).size).toBe(20);
    for (const [index, nonce] of nonces.entries()) {
      expect(Buffer.from(nonce, 'base64url')).toHaveLength(32);
      const {searchParams, cookies = ''} = asked[index] ?? {};
      for (const name of ['state', 'code_challenge']) expect(searchParams?.get(name)).not.toBe(nonce);
      expect(cookies).not.toContain(nonce);
    }
  });

  it('one that is asked for is not taken', async () => {
    const server = await authServer();
    const {searchParams} = await begin(browserOf(server), server, {nonce: 'chosen', state: 'chosen'});
    expect([...searchParams.values()]).not.toContain('chosen');
  });
});
