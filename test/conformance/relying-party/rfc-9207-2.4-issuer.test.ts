import {afterAll, beforeAll, describe, expect, it} from 'vitest';

import {startRelyingParty, type RelyingParty} from '../../support/server/relying-party.ts';

let rp: RelyingParty;
beforeAll(async () => {
  rp = await startRelyingParty();
});
afterAll(() => rp.close());

describe("RFC 9207 2.4: the answer's iss is checked before its code is sent anywhere", () => {
  it('takes the issuer, and none where the metadata does not promise it', async () => {
    expect(await rp.login({}, {iss: rp.op.issuer})).toMatchObject({subject: 'user-1'});
    expect(await rp.login()).toMatchObject({subject: 'user-1'});
  });

  it.each<[string, (issuer: string) => string]>([
    ['another', () => 'https://evil.example.com'],
    ['one with a slash more', (issuer) => `${issuer}/`],
    ['an empty one', () => ''],
  ])('refuses %s', async (_name, iss) => {
    rp.op.requests.length = 0;
    expect(await rp.refusal({}, {iss: iss(rp.op.issuer)})).toMatch(/another issuer/);
    expect(rp.op.requests).not.toContain('/token');
  });

  it('refuses an answer without it where the metadata promises it', async () => {
    const strict = await startRelyingParty();
    strict.op.metadata = {authorization_response_iss_parameter_supported: true};
    const reason = await strict.refusal({});
    await strict.close();
    expect(reason).toMatch(/promises iss/);
    expect(strict.op.requests).not.toContain('/token');
  });
});
