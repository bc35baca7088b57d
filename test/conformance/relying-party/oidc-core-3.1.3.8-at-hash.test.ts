import {afterAll, beforeAll, describe, expect, it} from 'vitest';

import {startRelyingParty, type RelyingParty} from '../../support/server/relying-party.ts';

let rp: RelyingParty;
beforeAll(async () => {
  rp = await startRelyingParty();
});
afterAll(() => rp.close());

describe('OpenID Connect Core 3.1.3.8: at_hash, where it is there, is of the access token', () => {
  it('is not needed', async () => {
    expect(await rp.login({claims: {at_hash: undefined}})).toMatchObject({subject: 'user-1'});
  });

  it.each<[string, unknown]>([
    ['of another token', 'AAAAAAAAAAAAAAAAAAAAAA'],
    ['empty', ''],
    ['a number', 7],
  ])('refuses one that is %s', async (_name, hash) => {
    expect(await rp.refusal({claims: {at_hash: hash}})).toMatch(/at_hash/);
  });
});
