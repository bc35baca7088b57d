import {afterAll, beforeAll, describe, expect, it} from 'vitest';

import {startRelyingParty, type RelyingParty} from '../../support/server/relying-party.ts';

let rp: RelyingParty;
beforeAll(async () => {
  rp = await startRelyingParty();
});
afterAll(() => rp.close());

describe('OpenID Connect Core 2: sub is a text of 1 to 255 characters', () => {
  it('takes 255 characters', async () => {
    expect(await rp.login({claims: {sub: 'x'.repeat(255)}, userinfo: {sub: 'x'.repeat(255)}})).toMatchObject({
      subject: 'x'.repeat(255),
    });
  });

  it.each<[string, unknown]>([
    ['none', undefined],
    ['an empty one', ''],
    ['256 characters', 'x'.repeat(256)],
    ['a number', 7],
    ['one with a line feed', 'a\nb'],
  ])('refuses %s', async (_name, sub) => {
    expect(await rp.refusal({claims: {sub}})).toMatch(/sub/);
  });
});
