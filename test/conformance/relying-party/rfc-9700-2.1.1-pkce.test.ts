import {afterAll, beforeAll, describe, expect, it} from 'vitest';

import {startRelyingParty, type RelyingParty} from '../../support/server/relying-party.ts';

let rp: RelyingParty;
beforeAll(async () => {
  rp = await startRelyingParty();
});
afterAll(() => rp.close());

describe('RFC 9700 2.1.1: PKCE with S256, a new verifier each time', () => {
  it('sends a challenge, and never the verifier, to the browser', async () => {
    await rp.login();
    const first = rp.asked.searchParams;
    expect(first.get('code_challenge_method')).toBe('S256');
    expect(first.get('code_challenge')).toMatch(/^[A-Za-z0-9_-]{43}$/);
    expect(first.has('code_verifier')).toBe(false);
    expect(first.get('response_type')).toBe('code');
    await rp.login();
    expect(rp.asked.searchParams.get('code_challenge')).not.toBe(first.get('code_challenge'));
  });
});
