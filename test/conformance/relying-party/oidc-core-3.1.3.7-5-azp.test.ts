import {afterAll, beforeAll, describe, expect, it} from 'vitest';
import {CLIENT} from '../../support/server/relying-party.ts';
import {startRelyingParty, type RelyingParty} from '../../support/server/relying-party.ts';

let rp: RelyingParty;
beforeAll(async () => {
  rp = await startRelyingParty();
});
afterAll(() => rp.close());

describe('OpenID Connect Core 3.1.3.7(4, 5): azp, needed with several audiences, is our client id', () => {
  it('takes our client id', async () => {
    expect(await rp.login({claims: {azp: CLIENT}})).toMatchObject({subject: 'user-1'});
    expect(await rp.login({claims: {aud: [CLIENT, 'api'], azp: CLIENT}})).toMatchObject({subject: 'user-1'});
  });

  it.each<[string, Record<string, unknown>]>([
    ['another client', {azp: 'someone-else'}],
    ['another client beside our audience', {aud: [CLIENT, 'someone-else'], azp: 'someone-else'}],
    ['none with several audiences', {aud: [CLIENT, 'someone-else']}],
    ['an empty text', {azp: ''}],
  ])('refuses %s', async (_name, claims) => {
    expect(await rp.refusal({claims})).toMatch(/azp|aud/);
  });
});
