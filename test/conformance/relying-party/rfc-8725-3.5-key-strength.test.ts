import {afterAll, beforeAll, describe, expect, it} from 'vitest';
import {generateKeyPairSync, sign} from 'node:crypto';
import {startRelyingParty, type RelyingParty} from '../../support/server/relying-party.ts';

let rp: RelyingParty;
beforeAll(async () => {
  rp = await startRelyingParty();
});
afterAll(() => rp.close());

describe('RFC 8725 3.5: no RSA key of less than 2048 bits', () => {
  it('refuses one of 1024', async () => {
    const {privateKey, publicKey} = generateKeyPairSync('rsa', {modulusLength: 1024});
    rp.op.jwks = {keys: [{...publicKey.export({format: 'jwk'}), kid: 'weak', alg: 'RS256', use: 'sig'}]};
    await expect(
      rp.login({
        idToken: (claims) => {
          const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
          const signed = `${part({alg: 'RS256', kid: 'weak'})}.${part(claims)}`;
          return `${signed}.${sign('sha256', Buffer.from(signed), privateKey).toString('base64url')}`;
        },
      }),
    ).rejects.toMatchObject({code: 'oauth_error', reason: /2048/});
  });
});
