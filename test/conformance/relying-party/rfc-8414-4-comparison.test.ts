import {describe, expect, it} from 'vitest';
import {startRelyingParty} from '../../support/server/relying-party.ts';

describe('RFC 8414 4: names are compared character by character, and an issuer as the URL that it is', () => {
  it.each<[string, string, string]>([
    ['another case of the path', '/Tenant', '/tenant'],
    ['an escape in place of a letter', '/tenant', '/%74enant'],
    ['letters that only look alike', '/caf\u00e9', '/cafe\u0301'],
  ])('an issuer with %s is another', async (_name, path, other) => {
    const rp = await startRelyingParty(encodeURI(path));
    rp.op.metadata = {issuer: rp.op.issuer.replace(encodeURI(path), encodeURI(other).replaceAll('%25', '%'))};
    const reason = await rp.breakage({});
    await rp.close();
    expect(reason).toMatch(/issuer/);
  });

  it('the slash after the host alone makes no other of it, for people leave it out and Auth0 does not', async () => {
    const rp = await startRelyingParty();
    rp.op.metadata = {issuer: `${rp.op.issuer}/`};
    const {issuer} = await rp.login({claims: {iss: `${rp.op.issuer}/`}});
    await rp.close();
    expect(issuer).toBe(`${rp.op.issuer}/`);
  });

  it('a name in another case is another name', async () => {
    const rp = await startRelyingParty();
    rp.op.metadata = {token_endpoint: undefined, Token_Endpoint: `${rp.op.issuer}/token`};
    const reason = await rp.breakage({});
    await rp.close();
    expect(reason).toMatch(/token endpoint/);
  });
});
