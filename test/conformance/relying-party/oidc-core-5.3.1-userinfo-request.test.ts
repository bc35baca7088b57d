import {afterAll, beforeAll, describe, expect, it} from 'vitest';
import {startRelyingParty, type RelyingParty} from '../../support/server/relying-party.ts';

let rp: RelyingParty;
beforeAll(async () => {
  rp = await startRelyingParty();
});
afterAll(() => rp.close());

describe('OpenID Connect Core 5.3.1: userinfo is asked for with the access token in the Authorization header', () => {
  it('and nowhere else', async () => {
    await rp.login({claims: {email: undefined}, userinfo: {sub: 'user-1', email: 'a@example.com'}});
    const {method, url, headers, body} = rp.op.userinfoRequest ?? {};
    expect([method, url, body]).toEqual(['GET', '/userinfo', '']);
    expect(headers?.authorization).toMatch(/^Bearer [\w-]{36}$/);
  });

  it('where the metadata names none, nothing is asked', async () => {
    const other = await startRelyingParty();
    other.op.metadata = {userinfo_endpoint: undefined};
    const {email} = await other.login({claims: {email: undefined}});
    await other.close();
    expect(email).toBeUndefined();
    expect(other.op.requests).not.toContain('/userinfo');
  });
});
