import {afterAll, beforeAll, describe, expect, it} from 'vitest';
import {createPublicKey, createSecretKey} from 'node:crypto';
import {SignJWT} from 'jose';
import {startRelyingParty, type RelyingParty} from '../../support/server/relying-party.ts';

let rp: RelyingParty;
beforeAll(async () => {
  rp = await startRelyingParty();
});
afterAll(() => rp.close());

describe('RFC 8725 3.1: only an algorithm of the list, with a key of its own', () => {
  it.each(['HS256', 'HS384', 'HS512'])('refuses %s with the client secret', async (alg) => {
    expect(
      await rp.refusal({
        idToken: (claims, {clientSecret}) =>
          new SignJWT(claims)
            .setProtectedHeader({alg})
            .sign(createSecretKey(Buffer.from(clientSecret.padEnd(64, clientSecret)))),
      }),
    ).toMatch(/alg/);
  });

  it('refuses HS256 with the published key as the secret', async () => {
    expect(
      await rp.refusal({
        idToken: (claims, {key}) => {
          const pem = createPublicKey(key).export({type: 'spki', format: 'pem'});
          return new SignJWT(claims)
            .setProtectedHeader({alg: 'HS256', kid: 'one'})
            .sign(createSecretKey(Buffer.from(pem)));
        },
      }),
    ).toMatch(/alg/);
  });

  it('refuses PS256 with a key that is published for RS256', async () => {
    expect(
      await rp.refusal({
        idToken: (claims, {key}) =>
          new SignJWT(claims).setProtectedHeader({alg: 'PS256', kid: 'one'}).sign(key),
      }),
    ).toMatch(/no applicable key|alg/);
  });

  it('refuses a header without alg', async () => {
    expect(
      await rp.refusal({
        idToken: async (claims, {key}) => {
          const token = await new SignJWT(claims).setProtectedHeader({alg: 'RS256', kid: 'one'}).sign(key);
          return token.replace(/^[^.]*/, Buffer.from('{"kid":"one"}').toString('base64url'));
        },
      }),
    ).toMatch(/alg/i);
  });
});
