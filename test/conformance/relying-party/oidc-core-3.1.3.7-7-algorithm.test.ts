import {describe, expect, it} from 'vitest';
import {generateKeyPairSync} from 'node:crypto';
import {SignJWT} from 'jose';
import {startRelyingParty, type RelyingParty} from '../../support/server/relying-party.ts';

const elliptic = generateKeyPairSync('ec', {namedCurve: 'P-256'});

/** One whose keys are of both kinds, and who says that it signs so. */
async function signingWith(supported: readonly string[] | undefined): Promise<RelyingParty> {
  const rp = await startRelyingParty();
  rp.op.metadata = {id_token_signing_alg_values_supported: supported};
  const jwk = {...elliptic.publicKey.export({format: 'jwk'}), kid: 'two', use: 'sig', alg: 'ES256'};
  rp.op.jwks = {keys: [...rp.op.jwks.keys, jwk]};
  return rp;
}

describe('OpenID Connect Core 3.1.3.7(7): alg is one that the provider says it signs with, RS256 where it says none', () => {
  it.each<[string, readonly string[] | undefined, 'RS256' | 'ES256', boolean]>([
    ['RS256, as said', ['RS256'], 'RS256', true],
    ['ES256, as said', ['RS256', 'ES256'], 'ES256', true],
    ['RS256, where nothing is said', undefined, 'RS256', true],
    ['ES256, where RS256 is said', ['RS256'], 'ES256', false],
    ['RS256, where ES256 is said', ['ES256'], 'RS256', false],
    ['ES256, where nothing is said', undefined, 'ES256', false],
  ])('%s', async (_name, supported, alg, taken) => {
    const rp = await signingWith(supported);
    const [key, kid] = alg === 'RS256' ? [rp.op.key, 'one'] : [elliptic.privateKey, 'two'];
    const idToken = (claims: Record<string, unknown>): Promise<string> =>
      new SignJWT({...claims, at_hash: undefined}).setProtectedHeader({alg, kid}).sign(key);
    const outcome = taken
      ? await rp.login({idToken}).then(({subject}) => subject)
      : await rp.refusal({idToken});
    await rp.close();
    expect(outcome).toMatch(taken ? /^user-1$/ : /alg/);
  });
});
