import {afterAll, beforeAll, describe, expect, it} from 'vitest';
import {startRelyingParty, type RelyingParty} from '../../support/server/relying-party.ts';

let rp: RelyingParty;
beforeAll(async () => {
  rp = await startRelyingParty();
});
afterAll(() => rp.close());

describe('RFC 9207 2.4: iss of a provider that does not announce it counts as much: the right one is taken, another ends the login', () => {
  it.each<[string, Record<string, unknown>]>([
    ['says nothing of it', {}],
    ['says that it sends none', {authorization_response_iss_parameter_supported: false}],
    ['says it in a way that is none', {authorization_response_iss_parameter_supported: 'yes'}],
  ])('where its metadata %s', async (_name, metadata) => {
    const other = await startRelyingParty();
    other.op.metadata = metadata;
    expect(await other.login({}, {iss: other.op.issuer})).toMatchObject({subject: 'user-1'});
    other.op.requests.length = 0;
    const reason = await other.refusal({}, {iss: rp.op.issuer});
    await other.close();
    expect(reason).toMatch(/another issuer/);
    expect(other.op.requests).not.toContain('/token');
  });
});
