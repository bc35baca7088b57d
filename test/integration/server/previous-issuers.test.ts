// A service that moves to another address: who is signed in stays so.
import {afterAll, beforeAll, describe, expect, it} from 'vitest';
import type {RunningServer} from '../../../src/server/server.ts';
import type {Tokens} from '../../support/login.ts';
import {holdSession, postForm, type HeldSession} from '../../support/server/sessions.ts';
import {PUBLIC_URL, startStack, type Stack} from '../../support/server/stack.ts';

const NEW = 'https://new.example.com';
const CLIENT = {id: 'gateway', secret: 'a secret of the gateway'};

let stack: Stack;
let before: RunningServer;
let moved: RunningServer;
let forgetful: RunningServer;

beforeAll(async () => {
  stack = await startStack();
  const introspection = {INTROSPECTION_CLIENT_ID: CLIENT.id, INTROSPECTION_CLIENT_SECRET: CLIENT.secret};
  const there = {...introspection, OAUTH_REDIRECT_URI: `${NEW}/auth/callback`};
  [before, moved, forgetful] = await Promise.all([
    stack.server(introspection),
    stack.server({...there, JWT_PREVIOUS_ISSUERS: PUBLIC_URL}),
    stack.server(there),
  ]);
});
afterAll(() => stack.close());

const bearer = ({access}: {access: string}) => ({authorization: `Bearer ${access}`});
const get = (server: RunningServer, path: string, held: {access: string}) =>
  fetch(server.url + path, {headers: bearer(held)});
const introspect = async (server: RunningServer, token: string): Promise<Record<string, unknown>> => {
  const basic = Buffer.from(`${CLIENT.id}:${encodeURIComponent(CLIENT.secret)}`).toString('base64');
  const answer = await postForm(server, '/auth/introspect', {token}, {authorization: `Basic ${basic}`});
  return (await answer.json()) as Record<string, unknown>;
};
const issuerOf = (token: string): unknown =>
  (JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as {iss: unknown}).iss;
/** A session with tokens of the old address. */
const signedIn = (subject: string): Promise<HeldSession> => holdSession(before, {subject});

describe('an access token of the old address', () => {
  it.each(['/auth/verify', '/auth/me', '/auth/sessions'])('is good at %s of the new one', async (path) => {
    const held = await signedIn(`reads ${path}`);
    expect(issuerOf(held.access)).toBe(PUBLIC_URL);
    expect((await get(moved, path, held)).status).toBe(200);
  });

  it('is active for whoever introspects it, and says who issued it', async () => {
    const held = await signedIn('introspected');
    expect(await introspect(moved, held.access)).toMatchObject({active: true, iss: PUBLIC_URL, sid: held.id});
  });

  it.each([
    [
      '/auth/logout',
      (held: HeldSession) => fetch(`${moved.url}/auth/logout`, {method: 'POST', headers: bearer(held)}),
    ],
    [
      '/auth/sessions/{id}',
      (held: HeldSession) =>
        fetch(`${moved.url}/auth/sessions/${held.id}`, {method: 'DELETE', headers: bearer(held)}),
    ],
    ['/auth/revoke', (held: HeldSession) => postForm(moved, '/auth/revoke', {token: held.access})],
  ])('ends its session by %s', async (path, end) => {
    const held = await signedIn(`ends by ${path}`);
    expect((await end(held)).ok).toBe(true);
    await expect.poll(async () => (await get(moved, '/auth/verify', held)).status).toBe(401);
    expect(await introspect(moved, held.access)).toEqual({active: false});
  });

  it('is refused where the old address is not listed', async () => {
    const held = await signedIn('not listed');
    for (const path of ['/auth/verify', '/auth/me', '/auth/sessions'])
      expect((await get(forgetful, path, held)).status).toBe(401);
    expect(await introspect(forgetful, held.access)).toEqual({active: false});
  });
});

describe('a session', () => {
  it.each(['with the old address listed', 'without'])(
    'is refreshed %s, and issued for the new one',
    async (how) => {
      const server = how === 'without' ? forgetful : moved;
      const held = await signedIn(`refreshes ${how}`);
      const answer = await postForm(server, '/auth/refresh', {
        grant_type: 'refresh_token',
        refresh_token: held.refresh,
      });
      expect(answer.status).toBe(200);
      const {access_token: access} = (await answer.json()) as Tokens;
      expect(issuerOf(access)).toBe(NEW);
      expect((await get(server, '/auth/verify', {access})).status).toBe(200);
    },
  );

  it('is told of by the metadata of the new address alone', async () => {
    const answer = await fetch(`${moved.url}/.well-known/oauth-authorization-server`);
    expect(await answer.json()).toMatchObject({issuer: NEW, jwks_uri: `${NEW}/.well-known/jwks.json`});
  });
});
