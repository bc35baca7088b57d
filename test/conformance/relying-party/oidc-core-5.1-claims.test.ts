import {afterAll, beforeAll, describe, expect, it} from 'vitest';
import {startRelyingParty, type RelyingParty} from '../../support/server/relying-party.ts';

let rp: RelyingParty;
beforeAll(async () => {
  rp = await startRelyingParty();
});
afterAll(() => rp.close());

describe('OpenID Connect Core 5.1: claims are of the types that they are defined with', () => {
  it.each<[string, unknown]>([
    ['a number', 7],
    ['a list', ['a@example.com']],
    ['an object', {address: 'a@example.com'}],
    ['nothing', null],
  ])('an e-mail address or a name that is %s is none', async (_name, value) => {
    const {email, name} = await rp.login({claims: {email: value, name: value}});
    expect([email, name]).toEqual([undefined, undefined]);
  });

  it.each(['true', 1, 'yes', {}, []])(
    'email_verified is handed on as it is, not made true of %j',
    async (value) => {
      const {claims} = await rp.login({claims: {email_verified: value}});
      expect(claims['email_verified']).toEqual(value);
    },
  );

  it.each([false, 'true', 1, null])('an e-mail address with email_verified %j is none', async (value) => {
    const {email} = await rp.login({claims: {email: 'ceo@example.com', email_verified: value}});
    expect(email).toBeUndefined();
  });

  it.each([true, undefined])('an e-mail address with email_verified %j is one', async (value) => {
    const {email} = await rp.login({claims: {email: 'a@example.com', email_verified: value}});
    expect(email).toBe('a@example.com');
  });
});
