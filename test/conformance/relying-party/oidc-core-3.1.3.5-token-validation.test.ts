import {afterAll, beforeAll, describe, expect, it} from 'vitest';
import type {ServerResponse} from 'node:http';
import type {Answer} from '../../support/server/hostile-provider.ts';
import {startRelyingParty, type RelyingParty} from '../../support/server/relying-party.ts';

let rp: RelyingParty;
beforeAll(async () => {
  rp = await startRelyingParty();
});
afterAll(() => rp.close());

const answering = (status: number, body: string, type = 'application/json'): Answer => ({
  token: (response: ServerResponse) => void response.writeHead(status, {'content-type': type}).end(body),
});

describe('OpenID Connect Core 3.1.3.5: a token response is validated as RFC 6749 says', () => {
  it.each<[string, Answer]>([
    ['is of another type', answering(200, '{"access_token":"a","token_type":"Bearer"}', 'text/html')],
    ['is no JSON', answering(200, 'access_token=a&token_type=Bearer')],
    ['is a list', answering(200, '[]')],
    ['is empty', answering(200, '')],
    ['has an access token that is no text', answering(200, '{"access_token":1,"token_type":"Bearer"}')],
    ['is a redirect', answering(302, '')],
    ['has the status of another success', answering(204, '')],
    ['is an error without a name', answering(400, '{}')],
    ['is an error of the server', answering(503, '{"error":"temporarily_unavailable"}')],
    ['refuses the client', answering(401, '{"error":"invalid_client"}')],
  ])("one that %s is the provider's fault", async (_name, answer) => {
    expect(await rp.breakage(answer)).not.toBe('');
  });

  it.each(['invalid_grant', 'access_denied'])('the error %s is a refusal', async (error) => {
    expect(await rp.refusal(answering(400, JSON.stringify({error})))).toContain(error);
  });

  it('what it holds beside is ignored', async () => {
    expect(await rp.login({claims: {something: 'else'}})).toMatchObject({subject: 'user-1'});
  });
});
