import {describe, expect, it, onTestFinished} from 'vitest';
import {generateKeyPairSync} from 'node:crypto';
import {SignJWT} from 'jose';
import {startRelyingParty, type RelyingParty} from '../../support/server/relying-party.ts';

const {privateKey, publicKey} = generateKeyPairSync('ec', {namedCurve: 'P-256'});
const jwk = publicKey.export({format: 'jwk'});

/** One whose provider signs with that key's private part, and publishes this as its public one. */
async function publishing(key: Record<string, unknown>): Promise<RelyingParty> {
  const rp = await startRelyingParty();
  onTestFinished(() => rp.close());
  rp.op.metadata = {id_token_signing_alg_values_supported: ['ES256']};
  rp.op.jwks = {keys: [{...key, kid: 'two', use: 'sig', alg: 'ES256'}]};
  return rp;
}

const idToken = (claims: Record<string, unknown>): Promise<string> =>
  new SignJWT({...claims, at_hash: undefined})
    .setProtectedHeader({alg: 'ES256', kid: 'two'})
    .sign(privateKey);

describe("RFC 8725 3.4: a provider's key counts only if it is a point on its curve", () => {
  it('takes the one that is', async () => {
    expect(await (await publishing({...jwk})).login({idToken})).toMatchObject({subject: 'user-1'});
  });

  it.each<[string, Record<string, unknown>]>([
    ['a point beside the curve', {...jwk, y: jwk.x}],
    ['the point at infinity, as zeros', {...jwk, x: 'A'.repeat(43), y: 'A'.repeat(43)}],
    ['a coordinate of more than the field', {...jwk, x: Buffer.alloc(32, 0xff).toString('base64url')}],
    ['a coordinate that is cut short', {...jwk, x: jwk.x?.slice(0, 20)}],
    ['a point on another curve than it says', {...jwk, crv: 'secp256k1'}],
  ])('refuses %s', async (_, key) => {
    const rp = await publishing(key);
    await expect(rp.login({idToken})).rejects.toMatchObject({code: 'oauth_error'});
  });
});
