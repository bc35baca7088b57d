import {describe, expect, it} from 'vitest';
import {holdSession, postForm} from '../../support/server/sessions.ts';
import {authServer, someone} from '../../support/server/auth-server.ts';
import {basicOf, gatewayServer, ID, introspect, SECRET} from '../support/gateway.ts';

const server = await gatewayServer();

describe('RFC 7662 2.1: only a client that has proven itself may ask, so that no tokens are scanned for', () => {
  it('is known by Basic, its parts form-encoded, or by form fields (RFC 6749 2.3.1)', async () => {
    const {access: token} = await holdSession(server, {subject: someone()});
    const form = {token, client_id: ID, client_secret: SECRET};
    expect(await (await postForm(server, '/auth/introspect', form)).json()).toMatchObject({active: true});
    expect(await introspect(token)).toMatchObject({active: true});
  });

  it('by Basic with its parts as they are as well, as curl sends them', async () => {
    const secret = 'Zk3+q9Xl+T0aG1n7yQ2/b8cV5hR4wE6uJmPzLxKd0SA=%zz';
    const plus = await authServer({INTROSPECTION_CLIENT_ID: 'gw', INTROSPECTION_CLIENT_SECRET: secret});
    const {access: token} = await holdSession(plus, {subject: someone()});
    for (const sent of [secret, encodeURIComponent(secret)]) {
      const headers = {authorization: `Basic ${Buffer.from(`gw:${sent}`).toString('base64')}`};
      const answer = await postForm(plus, '/auth/introspect', {token}, headers);
      expect(await answer.json()).toMatchObject({active: true});
    }
  });

  it.each<[string, Record<string, string>, Record<string, string>]>([
    ['nobody', {}, {}],
    ['another id', {}, basicOf('other', SECRET)],
    ['another secret', {}, basicOf(ID, `${SECRET}x`)],
    ['no secret', {client_id: ID}, {}],
    ['an empty secret', {client_id: ID, client_secret: ''}, {}],
    ['what is no Basic', {}, {authorization: 'Basic !!!'}],
    ['broken encoding', {}, {authorization: `Basic ${Buffer.from('%zz:x').toString('base64')}`}],
  ])('%s is refused with a 401 (RFC 6749 5.2)', async (_name, form, headers) => {
    const {access: token} = await holdSession(server, {subject: someone()});
    const answer = await postForm(server, '/auth/introspect', {token, ...form}, headers);
    expect(answer.status).toBe(401);
    expect(answer.headers.get('www-authenticate')).toMatch(/^Basic /);
    const body = (await answer.json()) as Record<string, unknown>;
    expect(body['error']).toBe('invalid_client');
    expect(body['errors']).toMatchObject([
      {message: 'Authentication failed', extensions: {code: 'invalid_token'}},
    ]);
    expect(body).not.toHaveProperty('active');
  });

  it('the token that is asked about is no authorization', async () => {
    const {access: token} = await holdSession(server, {subject: someone()});
    const headers = {authorization: `Bearer ${token}`};
    expect((await postForm(server, '/auth/introspect', {token}, headers)).status).toBe(401);
  });

  it('does not authenticate in two ways at once (RFC 6749 2.3)', async () => {
    const form = {token: 'x', client_id: ID, client_secret: SECRET};
    const answer = await postForm(server, '/auth/introspect', form, basicOf(ID, SECRET));
    expect(answer.status).toBe(400);
    expect(await answer.json()).toMatchObject({error: 'invalid_request'});
  });

  it('is nobody where none is configured, whatever is presented', async () => {
    const closed = await authServer();
    const {access: token} = await holdSession(closed, {subject: someone()});
    for (const headers of [{}, basicOf('', ''), basicOf('undefined', 'undefined')])
      expect((await postForm(closed, '/auth/introspect', {token}, headers)).status).toBe(401);
  });
});
