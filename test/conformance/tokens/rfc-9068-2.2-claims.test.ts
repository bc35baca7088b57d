import {describe, expect, it} from 'vitest';
import {decodeJwt} from 'jose';
import {authServer, logIn, someone} from '../../support/server/auth-server.ts';

describe('RFC 9068 2.2: an access token holds iss, exp, aud, sub, client_id, iat and jti', () => {
  it('and of the person nothing but an identifier', async () => {
    const server = await authServer();
    const subject = someone();
    const {access_token: token, expires_in: expiresIn} = await logIn(server, subject);
    const claims = decodeJwt(token);
    expect(Object.keys(claims).sort()).toEqual(
      ['aud', 'client_id', 'exp', 'iat', 'iss', 'jti', 'sid', 'sub'].sort(),
    );
    expect(claims).toMatchObject({iss: 'https://auth.example.com', client_id: 'fraiseql'});
    expect((claims.exp ?? 0) - (claims.iat ?? 0)).toBe(expiresIn);
    expect(Math.abs((claims.iat ?? 0) - Date.now() / 1000)).toBeLessThan(5);
    expect(JSON.stringify(claims)).not.toContain(subject);
    expect(JSON.stringify(claims)).not.toContain('someone@example.com');
  });

  it('whose jti is another each time', async () => {
    const server = await authServer();
    const ids = await Promise.all(
      Array.from({length: 5}, async () => decodeJwt((await logIn(server)).access_token).jti),
    );
    expect(new Set(ids).size).toBe(5);
  });
});
