import {afterAll, beforeAll, describe, expect, it} from 'vitest';
import {decodeJwt} from 'jose';
import type {RunningServer} from '../../../src/server/server.ts';
import type {Tokens} from '../../support/login.ts';
import {authServer, HOME, someone, theWorld, visit} from '../../support/server/auth-server.ts';

let strict: RunningServer;
beforeAll(async () => {
  const {servers, op} = await theWorld();
  const {configuration} = (await authServer()).services;
  strict = await servers.server(
    {OIDC_CLIENT_SECRET: op.clientSecret, OAUTH_REDIRECT_URI: `${HOME}/auth/callback`},
    {
      configuration: {
        ...configuration,
        providers: configuration.providers.map((each) => ({...each, allowedEmailDomains: ['example.com']})),
      },
    },
  );
});
afterAll(() => strict.stop(0));

describe('OpenID Connect Core 5.7: sub and iss are the user; an e-mail address counts only where it is verified, and for nothing else', () => {
  it('no other claim makes one user of two, or two of one', async () => {
    const server = await authServer();
    const userOf = async (claims: Record<string, unknown>): Promise<unknown> => {
      const {answer} = await visit(server, {claims});
      return decodeJwt((JSON.parse(answer.body) as Tokens).access_token).sub;
    };
    const [sub, email] = [someone(), `${someone()}@example.com`];
    const user = await userOf({sub, email, preferred_username: 'ada', phone_number: '+44'});
    expect(await userOf({sub, email: 'x@example.org', preferred_username: 'bob'})).toBe(user);
    expect(await userOf({sub: someone(), email, preferred_username: 'ada', phone_number: '+44'})).not.toBe(
      user,
    );
    expect(await userOf({sub: sub.toUpperCase(), email})).not.toBe(user);
  });

  it.each<[unknown, number]>([
    [true, 200],
    [false, 403],
    [undefined, 403],
    [null, 403],
    ['true', 403],
    [1, 403],
    [['true'], 403],
  ])(
    'an allow-list of domains takes an address whose email_verified is %j with %i',
    async (value, status) => {
      const claims = {sub: someone(), email: 'ada@example.com', email_verified: value};
      expect((await visit(strict, {claims})).answer.status).toBe(status);
    },
  );
});
