import {afterAll, beforeAll, describe, expect, it} from 'vitest';
import {epoch} from '../../support/server/relying-party.ts';
import {startRelyingParty, type RelyingParty} from '../../support/server/relying-party.ts';

let rp: RelyingParty;
beforeAll(async () => {
  rp = await startRelyingParty();
});
afterAll(() => rp.close());

describe('OpenID Connect Core 3.1.3.7(9, 10): exp and iat, with at most a minute of skew', () => {
  it('takes times that are up to a minute off', async () => {
    expect(await rp.login({claims: {exp: epoch() - 50, iat: epoch() - 350}})).toMatchObject({
      subject: 'user-1',
    });
    expect(await rp.login({claims: {iat: epoch() + 50, nbf: epoch() + 50}})).toMatchObject({
      subject: 'user-1',
    });
  });

  it.each<[string, () => Record<string, unknown>, RegExp]>([
    ['one that expired', () => ({exp: epoch() - 90}), /exp/],
    ['one without exp', () => ({exp: undefined}), /exp/],
    ['one whose exp is text', () => ({exp: String(epoch() + 300)}), /exp/],
    ['one without iat', () => ({iat: undefined}), /iat/],
    ['one whose iat is text', () => ({iat: 'now'}), /iat/],
    ['one of the future', () => ({iat: epoch() + 90, exp: epoch() + 390}), /iat/],
    ['one that is not valid yet', () => ({nbf: epoch() + 90}), /nbf/],
  ])('refuses %s', async (_name, claims, reason) => {
    expect(await rp.refusal({claims: claims()})).toMatch(reason);
  });
});
