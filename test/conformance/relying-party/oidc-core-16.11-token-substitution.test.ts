import {afterAll, beforeAll, describe, expect, it} from 'vitest';
import {startRelyingParty, type RelyingParty} from '../../support/server/relying-party.ts';

let rp: RelyingParty;
beforeAll(async () => {
  rp = await startRelyingParty();
});
afterAll(() => rp.close());

describe('OpenID Connect Core 16.11: an access token of another user or another client logs nobody in', () => {
  it('one beside an ID token that was not issued with it is refused by at_hash', async () => {
    expect(await rp.refusal({claims: {at_hash: 'x'.repeat(22)}})).toMatch(/at_hash/);
  });

  it("one whose userinfo is another's is refused by sub", async () => {
    expect(
      await rp.breakage({claims: {email: undefined}, userinfo: {sub: 'user-2', email: 'a@example.com'}}),
    ).toMatch(/sub/);
  });

  it('one with the ID token of another client is refused by aud', async () => {
    expect(await rp.refusal({claims: {aud: 'other-client'}})).toMatch(/aud/);
  });

  it('one that comes through the browser, beside the code, is not looked at', async () => {
    rp.op.requests.length = 0;
    await rp.login({claims: {email: undefined}, userinfo: {sub: 'user-1'}}, {access_token: 'substituted'});
    expect(rp.op.userinfoRequest?.headers.authorization).not.toContain('substituted');
  });
});
