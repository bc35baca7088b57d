import {afterAll, beforeAll, describe, expect, it} from 'vitest';
import {createHash} from 'node:crypto';
import {startRelyingParty, type RelyingParty} from '../../support/server/relying-party.ts';

let rp: RelyingParty;
beforeAll(async () => {
  rp = await startRelyingParty();
});
afterAll(() => rp.close());

describe('OpenID Connect Core 3.1.3.1: the code goes with the same redirect URI and the verifier of its challenge', () => {
  it('by POST, as a form', async () => {
    await rp.login();
    const form = new URLSearchParams(rp.op.tokenRequest?.body);
    expect(Object.fromEntries(form)).toEqual({
      grant_type: 'authorization_code',
      code: expect.any(String),
      redirect_uri: rp.asked.searchParams.get('redirect_uri'),
      code_verifier: expect.stringMatching(/^[\w-]{43}$/),
    });
    const challenge = createHash('sha256')
      .update(form.get('code_verifier') ?? '')
      .digest('base64url');
    expect(rp.asked.searchParams.get('code_challenge')).toBe(challenge);
    expect(rp.op.tokenRequest?.headers['content-type']).toMatch(/^application\/x-www-form-urlencoded/);
  });
});
