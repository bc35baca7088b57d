import {describe, expect, it} from 'vitest';
import {startRelyingParty} from '../../support/server/relying-party.ts';

describe('OpenID Connect Discovery 4.3: the metadata is of the issuer that was asked, and whole', () => {
  it.each<[string, (issuer: string) => Record<string, unknown>, RegExp]>([
    ['of another issuer', () => ({issuer: 'https://evil.example.com'}), /issuer/],
    ['of an issuer with a path more', (issuer) => ({issuer: `${issuer}/other`}), /issuer/],
    ['without an issuer', () => ({issuer: undefined}), /issuer/],
    ['without a token endpoint', () => ({token_endpoint: undefined}), /token endpoint/],
    ['without keys', () => ({jwks_uri: undefined}), /JWKS/],
    [
      'whose sign-in page is on another, plain http host',
      () => ({authorization_endpoint: 'http://evil.example.com/authorize'}),
      /not https/,
    ],
  ])('none %s is used', async (_name, metadata, reason) => {
    const rp = await startRelyingParty();
    rp.op.metadata = metadata(rp.op.issuer);
    const told = await rp.breakage({});
    await rp.close();
    expect(told).toMatch(reason);
    expect(rp.op.requests).toEqual(['/.well-known/openid-configuration']);
  });

  it('the keys and the token endpoint are asked nowhere that is private and not allowed', async () => {
    const rp = await startRelyingParty();
    rp.op.metadata = {token_endpoint: 'http://169.254.169.254/latest/meta-data'};
    const reason = await rp.breakage({});
    await rp.close();
    expect(reason).toMatch(/169\.254\.169\.254/);
  });
});
