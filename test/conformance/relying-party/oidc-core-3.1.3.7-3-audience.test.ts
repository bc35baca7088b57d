import {afterAll, beforeAll, describe, expect, it} from 'vitest';
import {CLIENT} from '../../support/server/relying-party.ts';
import {startRelyingParty, type RelyingParty} from '../../support/server/relying-party.ts';

let rp: RelyingParty;
beforeAll(async () => {
  rp = await startRelyingParty();
});
afterAll(() => rp.close());

describe('OpenID Connect Core 3.1.3.7(3): aud holds our client id', () => {
  it('takes our client id as text or in a list of one', async () => {
    expect(await rp.login({claims: {aud: CLIENT}})).toMatchObject({subject: 'user-1'});
    expect(await rp.login({claims: {aud: [CLIENT]}})).toMatchObject({subject: 'user-1'});
  });

  it.each<[string, unknown]>([
    ['another client', 'someone-else'],
    ['a list without us', ['someone-else', 'and-another']],
    ['an empty list', []],
    ['our id as a part', `${CLIENT}-2`],
    ['none', undefined],
  ])('refuses %s', async (_name, aud) => {
    expect(await rp.refusal({claims: {aud}})).toMatch(/aud/);
  });
});
