import {afterAll, beforeAll, describe, expect, it} from 'vitest';
import {generateKeyPairSync} from 'node:crypto';
import {createServer, type Server} from 'node:http';
import type {AddressInfo} from 'node:net';
import {exportJWK} from 'jose';
import {statusOf} from '../../support/server/auth-server.ts';
import {goodToken} from '../../support/server/access-token.ts';

let asked = 0;
let keys: Server;
let url: string;
beforeAll(async () => {
  keys = createServer((_request, response) => {
    asked++;
    response.end('{}');
  });
  await new Promise<void>((resolve) => keys.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(keys.address() as AddressInfo).port}/keys`;
});
afterAll(() => keys.close());

describe("RFC 8725 3.10: an access token's header brings no key, no address and no path", () => {
  it.each(['jku', 'x5u', 'jwk', 'x5c'])('is not led by %s', async (name) => {
    const {server, forge} = await goodToken();
    const {privateKey: key, publicKey} = generateKeyPairSync('rsa', {modulusLength: 2048});
    const value = {jku: url, x5u: url, jwk: await exportJWK(publicKey), x5c: ['AAAA']}[name];
    expect(await statusOf(server, await forge({header: {[name]: value}, key}))).toBe(401);
    expect(asked).toBe(0);
  });

  it.each(['../../etc/passwd', "' OR '1'='1", '__proto__', 'constructor', '', 'x'.repeat(2000)])(
    'takes kid %j for a name that it does not know',
    async (kid) => {
      const {server, forge} = await goodToken();
      expect(await statusOf(server, await forge({header: {kid}}))).toBe(401);
    },
  );

  it('refuses a critical header that it does not know (RFC 7515 4.1.11)', async () => {
    const {server, forge} = await goodToken();
    // What b64 says is known to the library that signs here, not to the server.
    expect(await statusOf(server, await forge({header: {crit: ['b64'], b64: true}}))).toBe(401);
  });
});
