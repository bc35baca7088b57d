// A client of OAuth that knows nothing of ours but the metadata (RFC 8414), as a well-known library makes it.
import {randomUUID} from 'node:crypto';
import * as oauth from 'openid-client';
import {afterAll, beforeAll, expect, it} from 'vitest';
import type {RunningServer} from '../../../src/server/server.ts';
import {holdSession, postForm, verifyStatus} from '../../support/server/sessions.ts';
import {PUBLIC_URL, startStack, type Stack} from '../../support/server/stack.ts';

let stack: Stack;
let server: RunningServer;
let client: oauth.Configuration;

beforeAll(async () => {
  stack = await startStack();
  server = await stack.server();
  client = await oauth.discovery(new URL(PUBLIC_URL), 'an application', undefined, oauth.None(), {
    algorithm: 'oauth2',
    execute: [oauth.allowInsecureRequests],
    [oauth.customFetch]: (url, init) => fetch(url.replace(PUBLIC_URL, server.url), init as RequestInit),
  });
});
afterAll(() => stack.close());

it('refreshes, revokes, and is told in its own words that a token is of no use any more', async () => {
  const held = await holdSession(server, {subject: randomUUID()});
  const answer = await oauth.refreshTokenGrant(client, held.refresh);
  expect(answer).toMatchObject({token_type: 'bearer', expires_in: 3600});
  expect(await verifyStatus(server, {...held, access: answer.access_token})).toBe(200);
  await oauth.tokenRevocation(client, answer.refresh_token ?? '');
  for (const token of [answer.refresh_token ?? '', held.refresh, 'a token that nobody gave out']) {
    const refused = await oauth.refreshTokenGrant(client, token).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(oauth.ResponseBodyError);
    expect(refused).toMatchObject({status: 401, error: 'invalid_grant'});
  }
});

it.each<[Record<string, string>, string]>([
  [{grant_type: 'refresh_token', refresh_token: 'unknown'}, 'invalid_grant'],
  [{grant_type: 'refresh_token'}, 'invalid_request'],
  [{grant_type: 'password', refresh_token: 'x'}, 'unsupported_grant_type'],
])('a form %j is answered with %s beside our own errors (RFC 6749 5.2)', async (form, error) => {
  const body = await (await postForm(server, '/auth/refresh', form)).json();
  expect(body).toMatchObject({error, errors: [{extensions: {code: expect.any(String) as string}}]});
});

it('JSON is answered with our own errors alone', async () => {
  for (const body of ['{"refresh_token":"unknown"}', '{}', '{"grant_type":"password","refresh_token":"x"}']) {
    const headers = {'content-type': 'application/json'};
    const answer = await fetch(`${server.url}/auth/refresh`, {method: 'POST', headers, body});
    expect(Object.keys((await answer.json()) as object)).toEqual(['errors']);
  }
});
