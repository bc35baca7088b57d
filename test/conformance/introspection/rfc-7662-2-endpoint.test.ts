import {describe, expect, it} from 'vitest';
import {holdSession} from '../../support/server/sessions.ts';
import {someone} from '../../support/server/auth-server.ts';
import {basicOf, gatewayServer, ID, SECRET} from '../support/gateway.ts';

const server = await gatewayServer();

describe('RFC 7662 2: the endpoint takes a form by POST from its client, so that no token stands in an address', () => {
  it.each(['GET', 'PUT', 'DELETE'])('%s is answered with 405', async (method) => {
    const {access} = await holdSession(server, {subject: someone()});
    const answer = await fetch(`${server.url}/auth/introspect?token=${access}`, {
      method,
      headers: basicOf(ID, SECRET),
    });
    expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'POST']);
  });

  it('a token in the address beside an empty form is not read', async () => {
    const {access} = await holdSession(server, {subject: someone()});
    const answer = await fetch(`${server.url}/auth/introspect?token=${access}`, {
      method: 'POST',
      headers: basicOf(ID, SECRET),
      body: new URLSearchParams({token_type_hint: 'access_token'}),
    });
    expect(answer.status).toBe(400);
    expect(await answer.json()).toMatchObject({error: 'invalid_request'});
  });

  it('the secret of the client does not stand in an address either', async () => {
    const {access: token} = await holdSession(server, {subject: someone()});
    const query = String(new URLSearchParams({client_id: ID, client_secret: SECRET}));
    const answer = await fetch(`${server.url}/auth/introspect?${query}`, {
      method: 'POST',
      body: new URLSearchParams({token}),
    });
    expect(answer.status).toBe(401);
  });
});
