import {afterAll, beforeAll, describe, expect, it} from 'vitest';

import {startRelyingParty, type RelyingParty} from '../../support/server/relying-party.ts';

let rp: RelyingParty;
beforeAll(async () => {
  rp = await startRelyingParty();
});
afterAll(() => rp.close());

describe("OpenID Connect Core 5.3.2: the userinfo's sub is the ID token's", () => {
  it('takes the claims of the same subject', async () => {
    const identity = await rp.login({
      claims: {email: undefined},
      userinfo: {sub: 'user-1', email: 'a@example.com'},
    });
    expect(identity.email).toBe('a@example.com');
  });

  it.each<[string, Record<string, unknown>]>([
    ['of another subject', {sub: 'user-2', email: 'a@example.com'}],
    ['without a subject', {email: 'a@example.com'}],
  ])('takes none %s', async (_name, userinfo) => {
    expect(await rp.breakage({claims: {email: undefined}, userinfo})).toMatch(/sub/);
  });
});
