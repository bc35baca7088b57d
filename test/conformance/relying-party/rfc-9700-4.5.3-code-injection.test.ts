import {afterAll, beforeAll, describe, expect, it} from 'vitest';

import {startRelyingParty, type RelyingParty} from '../../support/server/relying-party.ts';

let rp: RelyingParty;
beforeAll(async () => {
  rp = await startRelyingParty();
});
afterAll(() => rp.close());

describe('RFC 9700 4.5.3: a code of another login is of no use', () => {
  it('is refused by its nonce, where a provider would take it', async () => {
    await rp.login();
    const stolen = rp.op.redirect(rp.asked).searchParams.get('code') ?? '';
    expect(await rp.refusal({}, {code: stolen})).toMatch(/nonce/);
  });
});
