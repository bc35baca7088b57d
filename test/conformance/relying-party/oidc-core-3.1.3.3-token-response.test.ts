import {afterAll, beforeAll, describe, expect, it} from 'vitest';
import type {ServerResponse} from 'node:http';

import {startRelyingParty, type RelyingParty} from '../../support/server/relying-party.ts';

let rp: RelyingParty;
beforeAll(async () => {
  rp = await startRelyingParty();
});
afterAll(() => rp.close());

describe('OpenID Connect Core 3.1.3.3: the token response has an ID token and a Bearer token', () => {
  const answering = (body: Record<string, unknown>) => ({
    token: (response: ServerResponse): void => {
      response.writeHead(200, {'content-type': 'application/json'}).end(JSON.stringify(body));
    },
  });

  it.each<[string, Record<string, unknown>, RegExp]>([
    ['without an ID token', {access_token: 'a', token_type: 'Bearer'}, /id_token/],
    ['with an empty one', {access_token: 'a', token_type: 'Bearer', id_token: ''}, /id_token/],
    ['with one that is no JWT', {access_token: 'a', token_type: 'Bearer', id_token: 'a.b'}, /JWT/],
    ['without an access token', {token_type: 'Bearer', id_token: 'a.b.c'}, /access_token/],
    ['of another token type', {access_token: 'a', token_type: 'mac'}, /token_type/],
  ])('refuses an answer %s', async (_name, body, reason) => {
    expect(await rp.breakage(answering(body))).toMatch(reason);
  });
});
