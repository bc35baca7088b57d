import {afterAll, beforeAll, describe, expect, it} from 'vitest';
import {startRelyingParty, type RelyingParty} from '../../support/server/relying-party.ts';

let rp: RelyingParty;
beforeAll(async () => {
  rp = await startRelyingParty();
});
afterAll(() => rp.close());

describe('RFC 8725 3.7: claims are UTF-8, in an ID token and in userinfo', () => {
  const NAME = 'Żaneta Łużna 王 🔑';

  it('letters of any script come through', async () => {
    expect((await rp.login({claims: {name: NAME}})).name).toBe(NAME);
    const told = await rp.login({
      claims: {email: undefined, name: undefined},
      userinfo: {sub: 'user-1', name: NAME},
    });
    expect(told.name).toBe(NAME);
  });

  it('and are part of who somebody is, as they were written', async () => {
    expect((await rp.login({claims: {sub: 'caf\u00e9'}})).subject).toBe('caf\u00e9');
    expect((await rp.login({claims: {sub: 'cafe\u0301'}})).subject).toBe('cafe\u0301');
  });
});
