// A provider (or whoever writes its metadata) that would have the server ask addresses inside our own network: a service
// there counts the connections that it gets, and gets none.
import {createServer as createHttpServer, type Server as HttpServer} from 'node:http';
import {createServer, type AddressInfo, type Server} from 'node:net';
import {afterAll, beforeAll, beforeEach, describe, expect, it} from 'vitest';
import {createGuardedFetch} from '../../src/server/providers/guarded-fetch.ts';
import {startRelyingParty, type RelyingParty} from '../support/server/relying-party.ts';

let inside: Server;
let port: number;
let connections = 0;
/** The address of a server outside that redirects inside. */
let redirects: string;
let redirecting: HttpServer;
beforeAll(async () => {
  inside = createServer((socket) => {
    connections++;
    socket.destroy();
  });
  await new Promise<void>((resolve) => {
    inside.listen(0, '::', resolve);
  });
  ({port} = inside.address() as AddressInfo);
  redirecting = createHttpServer((_request, response) =>
    response.writeHead(302, {location: `http://127.0.0.1:${port}/`}).end(),
  );
  await new Promise<void>((resolve) => {
    redirecting.listen(0, '127.0.0.1', resolve);
  });
  redirects = `http://127.0.0.1:${(redirecting.address() as AddressInfo).port}/`;
});
beforeEach(() => {
  connections = 0;
});
afterAll(() => {
  inside.close();
  redirecting.close();
});

/** Ways to write an address of this machine, or of the network around it. */
const INWARD = [
  '127.0.0.1',
  '127.1',
  '127.0.1.1',
  '0.0.0.0',
  '0',
  '2130706433',
  '0x7f000001',
  '0x7f.0.0.1',
  '0177.0.0.1',
  '017700000001',
  '127.0.0.1.',
  '127。0。0。1',
  '①②⑦.⓪.⓪.①',
  '%31%32%37.0.0.1',
  'localhost',
  'LOCALHOST',
  'localhost.',
  '[::1]',
  '[::]',
  '[0:0:0:0:0:0:0:1]',
  '[::ffff:127.0.0.1]',
  '[::ffff:7f00:1]',
  '[::127.0.0.1]',
  '[64:ff9b::127.0.0.1]',
  '[2002:7f00:1::]',
  '10.0.0.1',
  '172.16.0.1',
  '192.168.0.1',
  '100.64.0.1',
  '169.254.169.254',
  '[fe80::1]',
  '[fd00:ec2::254]',
  '[fc00::1]',
  'user@127.0.0.1',
  'user:password@127.0.0.1',
];

describe('the server connects to no address inside, however it is written', () => {
  const outbound = createGuardedFetch({allowedHosts: () => ['id.example.com'], timeoutMs: 2_000});
  const {fetch} = outbound;
  afterAll(() => outbound.close());
  it.each(INWARD)('%s', async (host) => {
    const refusal = (scheme: string): Promise<unknown> =>
      fetch(`${scheme}://${host}:${port}/`).catch((error: unknown) => error);
    expect(String(await refusal('https'))).toMatch(/is not public|Invalid URL|ENOTFOUND|EAI_AGAIN/);
    expect(String(await refusal('http'))).toMatch(/only https is used|Invalid URL/);
    expect(connections).toBe(0);
  });

  it('nor to an allowed host that is only written before an address inside', async () => {
    for (const host of [`id.example.com@127.0.0.1:${port}`, `127.0.0.1:${port}#@id.example.com`])
      await expect(fetch(`https://${host}/`)).rejects.toThrow(/is not public/);
    expect(connections).toBe(0);
  });

  it.each(['ftp', 'gopher', 'ws', 'dict', 'unix'])('nor by %s', async (scheme) => {
    await expect(fetch(`${scheme}://127.0.0.1:${port}/`)).rejects.toThrow(/only https is used/);
    expect(connections).toBe(0);
  });
});

describe('a provider whose host is allowed leads the server to no other port and to no other host', () => {
  /** A login with a provider that may be asked at its own host and port alone, and at the one that redirects. */
  async function attempt(harm: (rp: RelyingParty) => Parameters<RelyingParty['login']>[0]): Promise<unknown> {
    const rp = await startRelyingParty('', (op) => [new URL(op.issuer).host, new URL(redirects).host]);
    const answer = harm(rp);
    const ended = await rp.login(answer).catch((error: unknown) => error);
    await rp.close();
    return ended;
  }

  const ENDPOINTS = [
    'jwks_uri',
    'token_endpoint',
    'userinfo_endpoint',
    'pushed_authorization_request_endpoint',
  ];
  // The e-mail address is left out, so that the userinfo is asked.
  const answer = {claims: {email: undefined}};

  it.each(
    ENDPOINTS.flatMap((endpoint) =>
      [
        'http://127.0.0.1',
        'https://127.0.0.1',
        'https://localhost',
        'https://[::1]',
        'https://user@127.0.0.1',
        'https://2130706433',
      ].map((origin) => [endpoint, origin] as const),
    ),
  )('%s at %s', async (endpoint, origin) => {
    const ended = await attempt(({op}) => {
      op.metadata = {[endpoint]: `${origin}:${port}/latest/meta-data`};
      return answer;
    });
    expect(ended).toMatchObject({status: 502, message: 'Authentication failed'});
    expect(connections).toBe(0);
  });

  it.each(ENDPOINTS)('%s at an address that redirects inside', async (endpoint) => {
    const ended = await attempt(({op}) => {
      op.metadata = {[endpoint]: redirects};
      return answer;
    });
    expect(ended).toMatchObject({code: 'oauth_error', message: 'Authentication failed'});
    expect(connections).toBe(0);
  });

  it.each([301, 302, 307, 308])('discovery that redirects inside (%i)', async (status) => {
    const ended = await attempt(({op}) => {
      op.discovery = (response) =>
        void response.writeHead(status, {location: `http://127.0.0.1:${port}/`}).end();
      return answer;
    });
    expect(ended).toMatchObject({status: 502, message: 'Authentication failed'});
    expect(connections).toBe(0);
  });

  it.each(['javascript:alert(1)', 'data:text/html,x', 'file:///etc/passwd', 'http://evil.example/authorize'])(
    'a sign-in page at %s, where a browser would go',
    async (page) => {
      const ended = await attempt(({op}) => {
        op.metadata = {authorization_endpoint: page};
        return answer;
      });
      expect(ended).toMatchObject({status: 502});
    },
  );
});
