import {describe, expect, it} from 'vitest';
import {decodeJwt} from 'jose';
import {authServer, logIn, statusOf} from '../../support/server/auth-server.ts';
import {goodToken} from '../../support/server/access-token.ts';

describe('RFC 9700 2.3: an access token is for its audience, and gives no more than the session of one user', () => {
  it('names one audience, and no scope, role or group', async () => {
    const claims = decodeJwt((await logIn(await authServer())).access_token);
    expect(claims.aud).toBe('https://auth.example.com');
    for (const name of ['scope', 'roles', 'groups', 'entitlements']) expect(claims).not.toHaveProperty(name);
  });

  it.each<[string, Record<string, unknown>]>([
    ['another user', {sub: '00000000-0000-4000-8000-000000000000'}],
    ['a session that never was', {sid: '00000000-0000-4000-8000-000000000000'}],
    ['another audience', {aud: 'somebody-else'}],
  ])('and none for %s, even with a good signature', async (_name, claims) => {
    const {server, forge} = await goodToken();
    expect(await statusOf(server, await forge({claims}))).toBe(401);
  });
});
