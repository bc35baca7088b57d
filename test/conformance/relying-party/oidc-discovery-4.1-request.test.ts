import {describe, expect, it} from 'vitest';
import {startRelyingParty} from '../../support/server/relying-party.ts';

describe('OpenID Connect Discovery 4.1: the metadata is asked for below the issuer, its path included', () => {
  it.each(['', '/realms/staff'])('issuer path %j', async (path) => {
    const rp = await startRelyingParty(path);
    expect(await rp.login()).toMatchObject({issuer: rp.op.issuer, subject: 'user-1'});
    await rp.close();
    expect(rp.op.requests[0]).toBe('/.well-known/openid-configuration');
  });
});
