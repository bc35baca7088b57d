// Clients that name JSON as their content type and send nothing.
import {afterAll, beforeAll, expect, it} from 'vitest';
import type {RunningServer} from '../../../src/server/server.ts';
import {holdSession, verifyStatus} from '../../support/server/sessions.ts';
import {startStack, type Stack} from '../../support/server/stack.ts';

let stack: Stack;
let server: RunningServer;
beforeAll(async () => {
  stack = await startStack();
  server = await stack.server();
});
afterAll(() => stack.close());

const empty = (method: string, path: string, headers: Record<string, string> = {}): Promise<Response> =>
  fetch(server.url + path, {
    method,
    headers: {'content-type': 'application/json; charset=utf-8', ...headers},
    ...(method === 'POST' ? {body: ''} : {}),
  });

it('are served where a route needs no body', async () => {
  const {id, access} = await holdSession(server, {subject: 'terse'});
  const authorization = `Bearer ${access}`;
  expect((await empty('POST', '/auth/start')).status).toBe(200);
  expect((await empty('POST', '/auth/logout')).status).toBe(204);
  expect((await empty('DELETE', `/auth/sessions/${id}`, {authorization})).status).toBe(204);
});

it.each(['{"refresh_token":null}', '{"refresh_token":""}', '{"refresh_token":null,"all":true}'])(
  'and the token that a client has not: %s',
  async (body) => {
    const headers = {'content-type': 'application/json'};
    const held = await holdSession(server, {subject: 'forgetful'});
    const logout = (more: Record<string, string> = {}): Promise<Response> =>
      fetch(`${server.url}/auth/logout`, {method: 'POST', headers: {...headers, ...more}, body});
    expect((await logout()).status).toBe(204);
    expect(await verifyStatus(server, held)).toBe(200);
    expect((await logout({authorization: `Bearer ${held.access}`})).status).toBe(204);
    expect(await verifyStatus(server, held)).toBe(401);
  },
);

it('are told what is wrong where it does', async () => {
  const answer = await empty('POST', '/auth/refresh');
  expect(answer.status).toBe(400);
  expect(await answer.json()).toMatchObject({
    errors: [{message: 'a body with refresh_token is needed', extensions: {code: 'invalid_request'}}],
  });
});
