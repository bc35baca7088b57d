import {afterAll, beforeAll, describe, expect, it} from 'vitest';
import {mkdtemp, rm} from 'node:fs/promises';
import {createServer, type Server} from 'node:https';
import type {AddressInfo} from 'node:net';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {selfSigned} from '../../support/certificate.ts';
import {startRelyingParty} from '../../support/server/relying-party.ts';

let server: Server;
let asked = 0;
let url: string;
beforeAll(async () => {
  const directory = await mkdtemp(join(tmpdir(), 'tls-'));
  const {cert, key} = selfSigned(directory, 'id.example.com');
  await rm(directory, {recursive: true});
  server = createServer({cert, key}, (_request, response) => {
    asked++;
    response.end('{}');
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => new Promise((resolve) => server.close(resolve)));

describe("OpenID Connect Core 16.17: a provider's certificate is checked, also where its host may be private", () => {
  it.each(['token_endpoint', 'jwks_uri', 'userinfo_endpoint'])(
    'nothing is sent to %s that shows one which nobody vouches for',
    async (name) => {
      const rp = await startRelyingParty();
      rp.op.metadata = {[name]: `${url}/here`};
      const reason = await rp.breakage({claims: {email: undefined}});
      await rp.close();
      expect(reason).toMatch(/self-signed/);
      expect(asked).toBe(0);
    },
  );
});
