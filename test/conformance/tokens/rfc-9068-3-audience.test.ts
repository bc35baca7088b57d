import {describe, expect, it} from 'vitest';
import {decodeJwt} from 'jose';
import {authServer, logIn} from '../../support/server/auth-server.ts';

describe('RFC 9068 3: without a resource asked for, aud is the configured one', () => {
  it.each<[string, Record<string, string>, unknown]>([
    ['the issuer by default', {}, 'https://auth.example.com'],
    ['one as text', {JWT_AUDIENCE: 'orders'}, 'orders'],
    ['several as a list', {JWT_AUDIENCE: 'orders,invoices'}, ['orders', 'invoices']],
  ])('%s', async (_name, env, audience) => {
    const {access_token: token} = await logIn(await authServer(env));
    expect(decodeJwt(token).aud).toEqual(audience);
  });
});
