import {afterAll, beforeAll, describe, expect, it} from 'vitest';
import {startRelyingParty, type RelyingParty} from '../../support/server/relying-party.ts';

let rp: RelyingParty;
beforeAll(async () => {
  rp = await startRelyingParty();
});
afterAll(() => rp.close());

describe("RFC 9700 4.9.1: a provider's token goes to no resource but its own userinfo", () => {
  it('and there only where something is still to be learnt', async () => {
    rp.op.requests.length = 0;
    await rp.login();
    expect(rp.op.requests).not.toContain('/userinfo');
    await rp.login({claims: {email: undefined}, userinfo: {sub: 'user-1', email: 'a@example.com'}});
    expect(rp.op.userinfoRequest?.headers.authorization).toMatch(/^Bearer [\w-]{36}$/);
  });

  it.each(['http://169.254.169.254/userinfo', 'http://resource.example.com/userinfo', 'https://10.0.0.1/'])(
    'not to %s, which the metadata names in its place',
    async (endpoint) => {
      const other = await startRelyingParty();
      other.op.metadata = {userinfo_endpoint: endpoint};
      const reason = await other.breakage({claims: {email: undefined}});
      await other.close();
      expect(reason).toContain(new URL(endpoint).host);
    },
  );

  it('nor to the application, which never sees it', async () => {
    const identity = await rp.login();
    expect(Object.keys(identity)).not.toContain('accessToken');
    expect(JSON.stringify({...identity, idToken: undefined})).not.toContain('access_token');
  });
});
