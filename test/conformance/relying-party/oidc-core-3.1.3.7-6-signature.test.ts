import {afterAll, beforeAll, describe, expect, it} from 'vitest';
import {generateKeyPairSync} from 'node:crypto';
import {SignJWT} from 'jose';
import {startRelyingParty, type RelyingParty} from '../../support/server/relying-party.ts';

let rp: RelyingParty;
beforeAll(async () => {
  rp = await startRelyingParty();
});
afterAll(() => rp.close());

describe("OpenID Connect Core 3.1.3.7(6): the signature is checked with the provider's keys", () => {
  it('refuses a signature that was changed', async () => {
    const changed = async (token: Promise<string>): Promise<string> =>
      (await token).replace(/.{8}$/, 'AAAAAAAA');
    expect(
      await rp.refusal({
        idToken: (claims, {key}) =>
          changed(new SignJWT(claims).setProtectedHeader({alg: 'RS256', kid: 'one'}).sign(key)),
      }),
    ).toMatch(/signature/);
  });

  it('refuses claims that were changed after signing', async () => {
    expect(
      await rp.refusal({
        idToken: async (claims, {key}) => {
          const token = await new SignJWT(claims).setProtectedHeader({alg: 'RS256', kid: 'one'}).sign(key);
          const [header, , signature] = token.split('.');
          const other = Buffer.from(JSON.stringify({...claims, sub: 'admin'})).toString('base64url');
          return `${header}.${other}.${signature}`;
        },
      }),
    ).toMatch(/signature/);
  });

  it.each(['RS256', 'ES256'])('refuses %s with a key of another under the published kid', async (alg) => {
    const {privateKey} =
      alg === 'RS256'
        ? generateKeyPairSync('rsa', {modulusLength: 2048})
        : generateKeyPairSync('ec', {namedCurve: 'P-256'});
    expect(
      await rp.refusal({
        idToken: (claims) => new SignJWT(claims).setProtectedHeader({alg, kid: 'one'}).sign(privateKey),
      }),
    ).toMatch(/signature|no applicable key/);
  });

  it('refuses a token without a signature part', async () => {
    expect(
      await rp.refusal({
        idToken: async (claims, {key}) =>
          (await new SignJWT(claims).setProtectedHeader({alg: 'RS256', kid: 'one'}).sign(key)).replace(
            /[^.]*$/,
            '',
          ),
      }),
    ).toMatch(/signature/);
  });
});
