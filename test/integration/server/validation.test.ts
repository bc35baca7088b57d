// What is said of a field that is missing, of another kind, too short or too long: its name, and what it has to be.
import {afterAll, beforeAll, describe, expect, it} from 'vitest';
import type {RunningServer} from '../../../src/server/server.ts';
import {startStack, type Stack} from '../../support/server/stack.ts';

let stack: Stack;
let server: RunningServer;
beforeAll(async () => {
  stack = await startStack();
  server = await stack.server();
});
afterAll(() => stack.close());

const FORM = 'application/x-www-form-urlencoded';
const long = (length: number): string => 'x'.repeat(length);

async function messageOf(path: string, init: RequestInit): Promise<[number, string | undefined]> {
  const answer = await fetch(server.url + path, {redirect: 'manual', ...init});
  const {errors} = (await answer.json()) as {errors: {message: string}[]};
  return [answer.status, errors[0]?.message];
}

const post = (path: string, body: string | undefined, type = 'application/json') =>
  messageOf(path, {
    method: 'POST',
    ...(body === undefined ? {} : {body, headers: {'content-type': type}}),
  });

describe('a body', () => {
  it.each<[string, string | undefined, string]>([
    ['/auth/start', '[]', 'the body must be an object, or be left out'],
    ['/auth/start', '"oidc"', 'the body must be an object, or be left out'],
    ['/auth/start', '{"provider":7}', 'provider must be a string'],
    ['/auth/start', '{"provider":null}', 'provider must be a string'],
    ['/auth/start', '{"provider":["oidc"]}', 'provider must be given once, as a string'],
    ['/auth/start', '{"provider":""}', 'provider must not be empty'],
    ['/auth/start', `{"provider":"${long(64)}"}`, 'provider must not be longer than 63 characters'],
    ['/auth/logout', '[]', 'the body must be an object, or be left out'],
    ['/auth/logout', '{"refresh_token":7}', 'refresh_token must be a string or null'],
    ['/auth/logout', '{"all":"yes"}', 'all must be true or false'],
    ['/auth/logout', '{"all":1}', 'all must be true or false'],
    ['/auth/refresh', undefined, 'a body with refresh_token is needed'],
    ['/auth/refresh', '', 'a body with refresh_token is needed'],
    ['/auth/refresh', 'null', 'a body with refresh_token is needed'],
    ['/auth/refresh', '[]', 'the body must be an object with refresh_token'],
    ['/auth/refresh', '7', 'the body must be an object with refresh_token'],
    ['/auth/refresh', '{}', 'refresh_token is needed'],
    ['/auth/refresh', '{"refresh_token":{"$ne":null}}', 'refresh_token must be a string'],
    ['/auth/refresh', '{"refresh_token":""}', 'refresh_token must not be empty'],
    ['/auth/refresh', '{"refresh_token":"x","grant_type":"password"}', 'grant_type must be refresh_token'],
    ['/auth/introspect', undefined, 'a body with token is needed'],
    ['/auth/introspect', '{"token":true}', 'token must be a string'],
    ['/auth/revoke', '[]', 'the body must be an object with token'],
    ['/auth/revoke', '{"token":"x","client_id":{}}', 'client_id must be a string'],
    ['/auth/backchannel-logout/oidc', undefined, 'a body with logout_token is needed'],
    ['/auth/account/end-session', undefined, 'a body with form_token is needed'],
    ['/auth/account/sign-out', '{"form_token":1}', 'form_token must be a string'],
  ])('%s %s', async (path, body, message) => {
    expect(await post(path, body)).toEqual([400, message]);
  });
});

describe('a form', () => {
  it.each<[string, string, string]>([
    ['/auth/refresh', '', 'refresh_token is needed'],
    ['/auth/refresh', 'refresh_token=', 'refresh_token must not be empty'],
    ['/auth/refresh', 'refresh_token=a&refresh_token=b', 'refresh_token must be given once, as a string'],
    ['/auth/refresh', `refresh_token=${long(4097)}`, 'refresh_token must not be longer than 4096 characters'],
    ['/auth/logout', 'all=maybe', 'all must be true or false'],
    ['/auth/introspect', 'tokem=x', 'token is needed'],
    ['/auth/introspect', 'token=a&token=b', 'token must be given once, as a string'],
    ['/auth/introspect', `token=${long(8193)}`, 'token must not be longer than 8192 characters'],
    [
      '/auth/revoke',
      `token=a&token_type_hint=${long(101)}`,
      'token_type_hint must not be longer than 100 characters',
    ],
    ['/auth/backchannel-logout/oidc', 'token=x', 'logout_token is needed'],
    ['/auth/backchannel-logout/oidc', 'logout_token=', 'logout_token must not be empty'],
    ['/auth/account/sign-out-everywhere', 'x=y', 'form_token is needed'],
    [
      '/auth/account/end-session',
      `form_token=x&session=${long(65)}`,
      'session must not be longer than 64 characters',
    ],
  ])('%s %s', async (path, body, message) => {
    expect(await post(path, body, FORM)).toEqual([400, message]);
  });
});

describe('a query', () => {
  it.each<[string, string]>([
    ['/auth/start?provider=', 'provider must not be empty'],
    ['/auth/start?provider=a&provider=b', 'provider must be given once, as a string'],
    ['/auth/start?return_to=', 'return_to must not be empty'],
    [`/auth/start?return_to=/${long(2048)}`, 'return_to must not be longer than 2048 characters'],
    ['/auth/callback', 'state is needed'],
    ['/auth/callback?state=', 'state must not be empty'],
    ['/auth/callback?state=a&state=b&code=c', 'state must be given once, as a string'],
    ['/auth/callback?state=a&code=', 'code must not be empty'],
    [`/auth/callback?state=a&error=${long(257)}`, 'error must not be longer than 256 characters'],
    ['/auth/signed-out?state=a&state=b', 'state must be given once, as a string'],
    [`/auth/signed-out?provider=${long(65)}`, 'provider must not be longer than 64 characters'],
  ])('%s', async (path, message) => {
    expect(await messageOf(path, {})).toEqual([400, message]);
  });
});
