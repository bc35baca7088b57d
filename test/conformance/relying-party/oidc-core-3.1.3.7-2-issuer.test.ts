import {afterAll, beforeAll, describe, expect, it} from 'vitest';

import {startRelyingParty, type RelyingParty} from '../../support/server/relying-party.ts';

let rp: RelyingParty;
beforeAll(async () => {
  rp = await startRelyingParty();
});
afterAll(() => rp.close());

describe("OpenID Connect Core 3.1.3.7(2): iss is exactly the provider's issuer", () => {
  it('takes the exact issuer', async () => {
    expect(await rp.login()).toMatchObject({issuer: rp.op.issuer, subject: 'user-1'});
  });

  it.each<[string, (issuer: string) => unknown]>([
    ['another issuer', () => 'https://evil.example.com'],
    ['a trailing slash', (issuer) => `${issuer}/`],
    ['other capitals', (issuer) => issuer.toUpperCase()],
    ['a path below', (issuer) => `${issuer}/realms/other`],
    ['a list', (issuer) => [issuer]],
    ['none', () => undefined],
  ])('refuses %s', async (_name, iss) => {
    expect(await rp.refusal({claims: {iss: iss(rp.op.issuer)}})).toMatch(/iss/);
  });
});
