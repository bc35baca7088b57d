import {describe, expect, it} from 'vitest';
import {startRelyingParty} from '../../support/server/relying-party.ts';

describe('OpenID Connect Discovery 4.2: the metadata is a 200 with a JSON object', () => {
  it.each<[string, number, string, string]>([
    ['a 404', 404, 'application/json', '{}'],
    ['a 500', 500, 'application/json', '{}'],
    ['a page', 200, 'text/html', '<html></html>'],
    ['broken JSON', 200, 'application/json', '{"issuer":'],
    ['a list', 200, 'application/json', '[]'],
    ['a redirect', 302, 'text/plain', ''],
  ])('%s is not used', async (_name, status, type, body) => {
    const rp = await startRelyingParty();
    rp.op.discovery = (response) =>
      void response
        .writeHead(status, {'content-type': type, ...(status === 302 ? {location: '/elsewhere'} : {})})
        .end(body);
    await rp.breakage({});
    await rp.close();
    expect(rp.op.requests).toEqual(['/.well-known/openid-configuration']);
  });
});
