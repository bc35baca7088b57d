import {afterAll, beforeAll, describe, expect, it} from 'vitest';

import {startRelyingParty, type RelyingParty} from '../../support/server/relying-party.ts';

let rp: RelyingParty;
beforeAll(async () => {
  rp = await startRelyingParty();
});
afterAll(() => rp.close());

describe('OpenID Connect Core 3.1.3.7(11): the nonce is the one that was sent', () => {
  it('sends a new one each time', async () => {
    await rp.login();
    const first = rp.asked.searchParams.get('nonce');
    await rp.login();
    expect(first).toMatch(/^.{43}$/);
    expect(rp.asked.searchParams.get('nonce')).not.toBe(first);
  });

  it.each<[string, unknown]>([
    ['another', 'another'],
    ['none', undefined],
    ['an empty one', ''],
  ])('refuses %s', async (_name, nonce) => {
    expect(await rp.refusal({claims: {nonce}})).toMatch(/nonce/);
  });

  it('refuses the one of an earlier login', async () => {
    await rp.login();
    expect(await rp.refusal({claims: {nonce: rp.asked.searchParams.get('nonce')}})).toMatch(/nonce/);
  });
});
