import {describe, expect, it} from 'vitest';
import {holdSession, postForm} from '../../support/server/sessions.ts';
import {someone} from '../../support/server/auth-server.ts';
import {basicOf, gatewayServer, ID, introspect, SECRET} from '../support/gateway.ts';

const server = await gatewayServer();
const basic = basicOf(ID, SECRET);

describe('RFC 7662 2.1: the request is a form with the token, by POST', () => {
  it('without it a 400 that names the field', async () => {
    const answer = await postForm(server, '/auth/introspect', {token_type_hint: 'access_token'}, basic);
    expect(answer.status).toBe(400);
    expect(await answer.json()).toMatchObject({
      error: 'invalid_request',
      errors: [{message: 'token is needed'}],
    });
  });

  it('never a GET, where the token would stand in logs', async () => {
    expect((await fetch(`${server.url}/auth/introspect?token=x`, {headers: basic})).status).toBe(405);
  });

  it('may name the wrong type: the hint is no more than that', async () => {
    const held = await holdSession(server, {subject: someone()});
    for (const hint of ['refresh_token', 'access_token', 'other'])
      for (const token of [held.access, held.refresh])
        expect(await introspect(token, {token_type_hint: hint})).toMatchObject({active: true});
  });
});
