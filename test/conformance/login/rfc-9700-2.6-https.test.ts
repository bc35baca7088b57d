import {describe, expect, it} from 'vitest';
import {configurationFor} from '../../support/server/stack.ts';
import {authServer, begin, browserOf, HOME} from '../../support/server/auth-server.ts';

describe('RFC 9700 2.6: no authorization response comes over plain http: the redirect URI is https, or says that it is not', () => {
  it('the provider is asked to answer at the https address that is configured', async () => {
    const server = await authServer();
    const asked = await begin(browserOf(server), server);
    expect(asked.searchParams.get('redirect_uri')).toBe(`${HOME}/auth/callback`);
  });

  const warningsFor = (uri: string): readonly string[] =>
    configurationFor('postgres://auth@localhost/auth', 'https://id.example.com', {OAUTH_REDIRECT_URI: uri})
      .warnings;

  it.each([
    'https://auth.example.com',
    'http://localhost:8000',
    'http://127.0.0.1:8000',
    'http://[::1]:8000',
  ])('%s is taken without a word', (origin) => {
    expect(warningsFor(`${origin}/auth/callback`)).toEqual([]);
  });

  it.each(['http://auth.example.com', 'http://localhost.example.com', 'http://10.0.0.1'])(
    '%s is warned of, by the name of the variable',
    (origin) => {
      expect(warningsFor(`${origin}/auth/callback`).join()).toMatch(/OAUTH_REDIRECT_URI.*plain http/);
    },
  );
});
