import {describe, expect, it} from 'vitest';
import {randomUUID} from 'node:crypto';
import {decodeJwt, SignJWT} from 'jose';
import {authServer, CLIENT, logIn, statusOf, theWorld} from '../../support/server/auth-server.ts';

describe("RFC 9068 5: a provider's tokens are no access tokens here, and ours are no ID tokens", () => {
  it.each(['JWT', 'at+jwt', 'logout+jwt'])('refuses one of type %s that the provider signed', async (typ) => {
    const server = await authServer();
    const {op} = await theWorld();
    const claims = decodeJwt((await logIn(server)).access_token);
    const token = await new SignJWT({...claims, iss: op.issuer, aud: CLIENT, jti: randomUUID()})
      .setProtectedHeader({alg: 'RS256', kid: 'one', typ})
      .sign(op.key);
    expect(await statusOf(server, token)).toBe(401);
    const asOurs = await new SignJWT(claims).setProtectedHeader({alg: 'RS256', kid: 'one', typ}).sign(op.key);
    expect(await statusOf(server, asOurs)).toBe(401);
  });

  it('has an audience that is not the client id at the provider', async () => {
    const {aud} = decodeJwt((await logIn(await authServer())).access_token);
    expect([aud].flat()).not.toContain(CLIENT);
  });
});
