import {afterAll, beforeAll, describe, expect, it} from 'vitest';
import type {RunningServer} from '../../../src/server/server.ts';
import {startStack, type Stack} from './support/stack.ts';
import {holdSession, postForm} from './support/sessions.ts';

const ID = 'gateway one';
const SECRET = 'a secret: of %the gateway+';
let stack: Stack;
let server: RunningServer;
beforeAll(async () => {
  stack = await startStack();
  server = await stack.server({INTROSPECTION_CLIENT_ID: ID, INTROSPECTION_CLIENT_SECRET: SECRET});
});
afterAll(() => stack.close());

const encode = (text: string): string => encodeURIComponent(text).replaceAll('%20', '+');
const basicOf = (id: string, secret: string): Record<string, string> => ({
  authorization: `Basic ${Buffer.from(`${encode(id)}:${encode(secret)}`).toString('base64')}`,
});
const basic = basicOf(ID, SECRET);

async function introspect(token: string, more: Record<string, string> = {}): Promise<unknown> {
  const answer = await postForm(server, '/auth/introspect', {token, ...more}, basic);
  expect(answer.status).toBe(200);
  expect(answer.headers.get('cache-control')).toBe('no-store');
  return answer.json();
}

describe('RFC 7662 2.1: the request', () => {
  it('is a form with the token; without it a 400 that names the field', async () => {
    const answer = await postForm(server, '/auth/introspect', {token_type_hint: 'access_token'}, basic);
    expect(answer.status).toBe(400);
    expect(await answer.text()).toContain('token is needed');
  });

  it('is not a GET, where the token would stand in logs', async () => {
    expect((await fetch(`${server.url}/auth/introspect?token=x`, {headers: basic})).status).toBe(405);
  });

  it('may name the wrong type: the hint is no more than that', async () => {
    const held = await holdSession(server, {subject: 'hint'});
    expect(await introspect(held.access, {token_type_hint: 'refresh_token'})).toMatchObject({active: true});
    expect(await introspect(held.refresh, {token_type_hint: 'access_token'})).toMatchObject({active: true});
  });
});

describe('RFC 7662 2.1, RFC 6749 2.3.1: the client', () => {
  it('is known by Basic, its parts form-encoded, or by form fields', async () => {
    const {access: token} = await holdSession(server, {subject: 'client'});
    const form = {token, client_id: ID, client_secret: SECRET};
    expect(await (await postForm(server, '/auth/introspect', form)).json()).toMatchObject({active: true});
    expect(await introspect(token)).toMatchObject({active: true});
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
    const {access: token} = await holdSession(server, {subject: 'refused'});
    const answer = await postForm(server, '/auth/introspect', {token, ...form}, headers);
    expect(answer.status).toBe(401);
    expect(answer.headers.get('www-authenticate')).toMatch(/^Basic /);
    const body = (await answer.json()) as Record<string, unknown>;
    expect(body['error']).toBe('invalid_client');
    expect(body).not.toHaveProperty('active');
  });

  it('does not authenticate in two ways at once (RFC 6749 2.3)', async () => {
    const form = {token: 'x', client_id: ID, client_secret: SECRET};
    const answer = await postForm(server, '/auth/introspect', form, basic);
    expect(answer.status).toBe(400);
    expect(await answer.json()).toMatchObject({error: 'invalid_request'});
  });

  it('is nobody where none is configured, whatever is presented', async () => {
    const closed = await stack.server();
    const {access: token} = await holdSession(closed, {subject: 'closed'});
    for (const headers of [{}, basicOf('', ''), basicOf('undefined', 'undefined')])
      expect((await postForm(closed, '/auth/introspect', {token}, headers)).status).toBe(401);
  });
});

describe('RFC 7662 2.2: the answer', () => {
  it('for a good access token holds its claims', async () => {
    const held = await holdSession(server, {subject: 'good'});
    expect(await introspect(held.access)).toEqual({
      active: true,
      token_type: 'Bearer',
      iss: 'http://localhost:18000',
      aud: 'http://localhost:18000',
      client_id: 'fraiseql',
      sub: held.userId,
      sid: held.id,
      jti: expect.any(String),
      iat: expect.any(Number),
      exp: expect.any(Number),
    });
  });

  it('for the current refresh token says whose it is; for one that was exchanged only that it is not active', async () => {
    const held = await holdSession(server, {subject: 'refresh'});
    expect(await introspect(held.refresh)).toMatchObject({active: true, sub: held.userId, sid: held.id});
    await fetch(`${server.url}/auth/refresh`, {
      method: 'POST',
      body: new URLSearchParams({refresh_token: held.refresh}),
    });
    expect(await introspect(held.refresh)).toEqual({active: false});
  });

  it('for a token that is not good is only that, whatever the reason', async () => {
    const held = await holdSession(server, {subject: 'ended'});
    expect(await introspect(held.access)).toMatchObject({active: true});
    await server.services.sessions.revoke(held.id);
    const [header = '', payload = '', signature = ''] = held.access.split('.');
    for (const token of [
      held.access,
      held.refresh,
      'unknown',
      'a.b.c',
      `${header}.${payload}.${signature.slice(0, -8)}AAAAAAAA`,
      `${Buffer.from('{"alg":"none","typ":"at+jwt"}').toString('base64url')}.${payload}.`,
    ])
      expect(await introspect(token)).toEqual({active: false});
  });
});

describe('RFC 8414 2: the metadata', () => {
  it('names the endpoint where there is a client for it', async () => {
    const of = async (which: RunningServer): Promise<unknown> =>
      (await fetch(`${which.url}/.well-known/oauth-authorization-server`)).json();
    expect(await of(server)).toMatchObject({
      introspection_endpoint: 'http://localhost:18000/auth/introspect',
      introspection_endpoint_auth_methods_supported: ['client_secret_basic', 'client_secret_post'],
      revocation_endpoint: 'http://localhost:18000/auth/revoke',
    });
    expect(await of(await stack.server())).not.toHaveProperty('introspection_endpoint');
  });
});
