import {afterAll, beforeAll, describe, expect, it} from 'vitest';
import {generateKeyPairSync} from 'node:crypto';
import {exportJWK, SignJWT} from 'jose';
import {startRelyingParty, type RelyingParty} from '../../support/server/relying-party.ts';

let rp: RelyingParty;
beforeAll(async () => {
  rp = await startRelyingParty();
});
afterAll(() => rp.close());

describe("RFC 8725 3.10: no key comes from the token's own header", () => {
  it.each(['jku', 'x5u', 'jwk', 'x5c'])('is not led by %s', async (name) => {
    const {privateKey, publicKey} = generateKeyPairSync('rsa', {modulusLength: 2048});
    const jwk = await exportJWK(publicKey);
    const value = {jku: `${rp.op.issuer}/evil`, x5u: `${rp.op.issuer}/evil`, jwk, x5c: ['AAAA']}[name];
    rp.op.requests.length = 0;
    expect(
      await rp.refusal({
        idToken: (claims) =>
          new SignJWT(claims).setProtectedHeader({alg: 'RS256', kid: 'one', [name]: value}).sign(privateKey),
      }),
    ).toMatch(/signature/);
    expect(rp.op.requests).not.toContain('/evil');
  });

  it('refuses a critical header that it does not know (RFC 7515 4.1.11)', async () => {
    expect(
      await rp.refusal({
        idToken: (claims, {key}) =>
          new SignJWT(claims)
            .setProtectedHeader({alg: 'RS256', kid: 'one', crit: ['exp-policy'], 'exp-policy': 'x'})
            .sign(key, {crit: {'exp-policy': true}}),
      }),
    ).toMatch(/crit/i);
  });
});
