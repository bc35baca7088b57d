import {describe, expect, it} from 'vitest';
import {startRelyingParty} from '../../support/server/relying-party.ts';

describe('RFC 8414 6.2: nobody passes for another by metadata of his own', () => {
  it("an attacker's metadata with the name of the honest issuer is of no use", async () => {
    const [honest, attacker] = [await startRelyingParty(), await startRelyingParty()];
    attacker.op.metadata = {issuer: honest.op.issuer};
    const reason = await attacker.breakage({});
    await Promise.all([honest.close(), attacker.close()]);
    expect(reason).toMatch(/issuer/);
    expect([attacker.op.requests, honest.op.requests]).toEqual([['/.well-known/openid-configuration'], []]);
  });

  it("nor are a tenant's for the tenant beside it", async () => {
    const rp = await startRelyingParty('/tenants/one');
    rp.op.metadata = {issuer: rp.op.issuer.replace('one', 'two')};
    const reason = await rp.breakage({});
    await rp.close();
    expect(reason).toMatch(/issuer/);
  });
});
