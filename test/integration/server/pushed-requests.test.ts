// RFC 9126, with a provider that takes pushed authorization requests: what is asked goes there by the server's own connection,
// and the browser carries a reference to it.
import {afterAll, beforeAll, beforeEach, describe, expect, it} from 'vitest';
import type {ServerResponse} from 'node:http';
import {CLIENT, startRelyingParty, type RelyingParty} from '../../support/server/relying-party.ts';
import type {Answer} from '../../support/server/hostile-provider.ts';

let rp: RelyingParty;
beforeAll(async () => {
  rp = await startRelyingParty();
  rp.op.metadata = {pushed_authorization_request_endpoint: `${rp.op.issuer}/par`};
});
afterAll(() => rp.close());
beforeEach(() => {
  rp.op.requests.length = 0;
});

const answering = (status: number, body: string, type = 'application/json'): Answer => ({
  pushed: (response: ServerResponse) => void response.writeHead(status, {'content-type': type}).end(body),
});

describe('a pushed authorization request', () => {
  it('holds all that is asked; the address that the browser sees holds a reference and the client id', async () => {
    expect(await rp.login()).toMatchObject({subject: 'user-1'});
    const {method, headers, body} = rp.op.pushedRequest ?? {};
    expect(method).toBe('POST');
    expect(headers?.authorization).toMatch(/^Basic /);
    expect(Object.fromEntries(new URLSearchParams(body))).toEqual({
      client_id: CLIENT,
      redirect_uri: 'https://auth.example.com/auth/callback',
      response_type: 'code',
      scope: 'openid email profile',
      state: expect.stringMatching(/^[\w-]{43}$/),
      nonce: expect.stringMatching(/^[\w-]{43}$/),
      code_challenge: expect.stringMatching(/^[\w-]{43}$/),
      code_challenge_method: 'S256',
    });
    expect(Object.fromEntries(rp.asked.searchParams)).toEqual({
      client_id: CLIENT,
      request_uri: expect.stringMatching(/^urn:ietf:params:oauth:request_uri:/),
    });
  });

  it('is another for each login', async () => {
    await rp.login();
    const first = rp.asked.searchParams.get('request_uri');
    await rp.login();
    expect(rp.asked.searchParams.get('request_uri')).not.toBe(first);
  });

  it.each<[string, Answer]>([
    ['refused', answering(400, '{"error":"invalid_request"}')],
    ['refused for our secret', answering(401, '{"error":"invalid_client"}')],
    ['answered with a fault', answering(500, '{}')],
    ['answered by no JSON', answering(201, '<html>', 'text/html')],
    ['answered without a reference', answering(201, '{"expires_in":60}')],
    ['cut off', {pushed: (response) => void response.destroy()}],
    // Nobody answers: the bound is that of every request to a provider.
    ['never answered', {pushed: () => undefined}],
  ])(
    'that is %s is the 502 of a provider that is away, and asks nothing in the open',
    async (_name, answer) => {
      expect(await rp.breakage(answer)).toMatch(/^the authorization request: /);
      expect(rp.op.requests.filter((path) => path === '/par')).toHaveLength(1);
      expect(rp.op.requests).not.toContain('/token');
    },
  );

  it('goes to no address that is not allowed', async () => {
    const other = await startRelyingParty();
    other.op.metadata = {pushed_authorization_request_endpoint: 'http://169.254.169.254/par'};
    const reason = await other.breakage({});
    await other.close();
    expect(reason).toMatch(/169\.254\.169\.254/);
  });
});
