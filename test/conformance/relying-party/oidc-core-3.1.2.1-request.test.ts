import {afterAll, beforeAll, describe, expect, it} from 'vitest';
import {CLIENT, startRelyingParty, type RelyingParty} from '../../support/server/relying-party.ts';

let rp: RelyingParty;
beforeAll(async () => {
  rp = await startRelyingParty();
});
afterAll(() => rp.close());

describe('OpenID Connect Core 3.1.2.1: the request has openid in its scope, our client id and our redirect URI', () => {
  it('and nothing that was not asked for', async () => {
    await rp.login();
    expect(Object.fromEntries(rp.asked.searchParams)).toEqual({
      client_id: CLIENT,
      redirect_uri: 'https://auth.example.com/auth/callback',
      response_type: 'code',
      scope: 'openid email profile',
      state: expect.stringMatching(/^[\w-]{43}$/),
      nonce: expect.stringMatching(/^[\w-]{43}$/),
      code_challenge: expect.stringMatching(/^[\w-]{43}$/),
      code_challenge_method: 'S256',
    });
    expect(rp.asked.origin + rp.asked.pathname).toBe(`${rp.op.issuer}/authorize`);
  });
});
