import {describe, expect, it} from 'vitest';
import {startRelyingParty} from '../../support/server/relying-party.ts';

describe('RFC 8414 6.1: metadata is asked for over TLS, unless a host is allowed to do without', () => {
  it('nothing is asked of an http address otherwise', async () => {
    const rp = await startRelyingParty('', () => []);
    const reason = await rp.breakage({});
    await rp.close();
    expect(reason).toMatch(/only https is used/);
    expect(rp.op.requests).toEqual([]);
  });

  it('nor by a redirect to one, which is not followed', async () => {
    const rp = await startRelyingParty();
    const target = await startRelyingParty();
    rp.op.discovery = (response) =>
      void response.writeHead(302, {location: `${target.op.issuer}/.well-known/openid-configuration`}).end();
    await rp.breakage({});
    await Promise.all([rp.close(), target.close()]);
    expect(target.op.requests).toEqual([]);
  });
});
