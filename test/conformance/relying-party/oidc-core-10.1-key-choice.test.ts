import {afterAll, beforeAll, describe, expect, it} from 'vitest';
import {generateKeyPairSync, type KeyObject} from 'node:crypto';
import {SignJWT, type JWTPayload} from 'jose';
import {startRelyingParty, type RelyingParty} from '../../support/server/relying-party.ts';

let rp: RelyingParty;
beforeAll(async () => {
  rp = await startRelyingParty();
});
afterAll(() => rp.close());

describe('OpenID Connect Core 10.1: the key is the one that the token names, or the only one that fits', () => {
  const pair = () => {
    const {privateKey, publicKey} = generateKeyPairSync('rsa', {modulusLength: 2048});
    return {privateKey, jwk: publicKey.export({format: 'jwk'}) as Record<string, unknown>};
  };
  const signedBy = (key: KeyObject, kid?: string) => ({
    idToken: (claims: JWTPayload) =>
      new SignJWT(claims).setProtectedHeader({alg: 'RS256', ...(kid === undefined ? {} : {kid})}).sign(key),
  });

  /** A relying party of its own, for its keys are fetched once. */
  async function withKeys(
    keys: Record<string, unknown>[],
    use: (own: RelyingParty) => Promise<void>,
  ): Promise<void> {
    const own = await startRelyingParty();
    own.op.jwks = {keys};
    try {
      await use(own);
    } finally {
      await own.close();
    }
  }

  it('takes a token without kid where there is one key', async () => {
    const {privateKey, jwk} = pair();
    await withKeys([jwk], async (own) => {
      expect(await own.login(signedBy(privateKey))).toMatchObject({subject: 'user-1'});
    });
  });

  it('tries each of two keys without kid', async () => {
    const [one, two, other] = [pair(), pair(), pair()];
    await withKeys([one.jwk, two.jwk], async (own) => {
      expect(await own.login(signedBy(one.privateKey))).toMatchObject({subject: 'user-1'});
      expect(await own.login(signedBy(two.privateKey))).toMatchObject({subject: 'user-1'});
      expect(await own.refusal(signedBy(other.privateKey))).toMatch(/signature/);
    });
  });

  it('refuses a kid that is not published, although the key is', async () => {
    const {privateKey, jwk} = pair();
    await withKeys([{...jwk, kid: 'one'}], async (own) => {
      expect(await own.refusal(signedBy(privateKey, 'two'))).toMatch(/no applicable key/);
    });
  });

  it('uses no key that is for encryption, and none of another algorithm', async () => {
    const {privateKey, jwk} = pair();
    await withKeys([{...jwk, kid: 'one', use: 'enc'}], async (own) => {
      expect(await own.refusal(signedBy(privateKey, 'one'))).toMatch(/no applicable key/);
    });
    await withKeys([{...jwk, kid: 'one', alg: 'PS256'}], async (own) => {
      expect(await own.refusal(signedBy(privateKey, 'one'))).toMatch(/no applicable key/);
    });
  });

  it('passes over a key that it does not know', async () => {
    const {privateKey, jwk} = pair();
    await withKeys(
      [
        {kty: 'XYZ', kid: 'odd'},
        {...jwk, kid: 'one'},
      ],
      async (own) => {
        expect(await own.login(signedBy(privateKey, 'one'))).toMatchObject({subject: 'user-1'});
      },
    );
  });
});
