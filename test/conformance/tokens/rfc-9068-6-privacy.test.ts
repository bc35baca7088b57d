import {describe, expect, it} from 'vitest';
import {decodeJwt} from 'jose';
import {authServer, logIn, someone} from '../../support/server/auth-server.ts';

describe('RFC 9068 6: the token, which all who handle it can read, holds nothing that tells who the person is', () => {
  it('its subject is no name of the provider, and cannot be reckoned back to it', async () => {
    const server = await authServer();
    const subject = someone();
    const [first, again, other] = [
      await logIn(server, subject),
      await logIn(server, subject),
      await logIn(server),
    ].map(({access_token: token}) => decodeJwt(token));
    expect(first?.sub).toMatch(/^[0-9a-f]{32}$/);
    expect(first?.sub).toBe(again?.sub);
    expect(first?.sub).not.toBe(other?.sub);
    expect(JSON.stringify(first)).not.toContain(subject);
  });

  it('and two tokens of a user have no session in common', async () => {
    const server = await authServer();
    const subject = someone();
    const [one, other] = [await logIn(server, subject), await logIn(server, subject)].map(
      ({access_token: token}) => decodeJwt(token),
    );
    expect(one?.['sid']).not.toBe(other?.['sid']);
    expect(one?.jti).not.toBe(other?.jti);
  });
});
