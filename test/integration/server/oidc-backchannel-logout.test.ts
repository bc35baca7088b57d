// OpenID Connect Back-Channel Logout 1.0, by the numbers of its sections.
import {generateKeyPairSync, randomUUID} from 'node:crypto';
import {SignJWT, UnsecuredJWT, type JWTPayload} from 'jose';
import {afterAll, beforeAll, beforeEach, describe, expect, it} from 'vitest';
import type {RunningServer} from '../../../src/server/server.ts';
import {startLogin, type Tokens} from '../../support/login.ts';
import {startHostileProvider, type HostileProvider} from './support/hostile-provider.ts';
import {browserAt, PUBLIC_URL, startStack, until, type Stack} from './support/stack.ts';
import {holdSession, postForm, verifyStatus, type HeldSession} from './support/sessions.ts';

const CLIENT = 'auth-server';
const EVENT = 'http://schemas.openid.net/event/backchannel-logout';
let stack: Stack;
let op: HostileProvider;
let a: RunningServer;
let b: RunningServer;
beforeAll(async () => {
  stack = await startStack();
  op = await startHostileProvider(CLIENT, 'a client secret that is long enough');
  const env = {OIDC_ISSUER_URL: op.issuer, OIDC_CLIENT_SECRET: op.clientSecret};
  [a, b] = await Promise.all([stack.server(env), stack.server(env)]);
});
afterAll(async () => {
  await stack.close();
  await op.close();
});

const epoch = (): number => Math.floor(Date.now() / 1000);

function claims(changes: Record<string, unknown> = {}): JWTPayload {
  return {
    iss: op.issuer,
    aud: CLIENT,
    iat: epoch(),
    exp: epoch() + 120,
    jti: randomUUID(),
    events: {[EVENT]: {}},
    ...changes,
  };
}

const signed = (payload: JWTPayload, header: {kid?: string; typ?: string} = {}): Promise<string> =>
  new SignJWT(payload)
    .setProtectedHeader({alg: 'RS256', kid: 'one', typ: 'logout+jwt', ...header})
    .sign(op.key);

const send = (token: string, server: RunningServer = a): Promise<Response> =>
  postForm(server, '/auth/backchannel-logout/oidc', {logout_token: token});

let users = 0;
let held: HeldSession;
let subject: string;
let sid: string;
beforeEach(async () => {
  users++;
  subject = `user-${users}`;
  sid = `upstream-${users}`;
  held = await holdSession(a, {issuer: op.issuer, subject, providerSession: sid});
});

describe('Back-Channel Logout 2.7: what ends', () => {
  it('with sid the sessions that came of it, on every replica within a second', async () => {
    const other = await holdSession(a, {issuer: op.issuer, subject, providerSession: 'another'});
    expect(await verifyStatus(b, held)).toBe(200);
    const answer = await send(await signed(claims({sid})));
    expect([answer.status, answer.headers.get('cache-control')]).toEqual([200, 'no-store']);
    await until('the word to arrive', async () => (await verifyStatus(b, held)) === 401, 1_000);
    expect(await verifyStatus(b, other)).toBe(200);
    expect((await postForm(b, '/auth/refresh', {refresh_token: held.refresh})).status).toBe(401);
  });

  it('with sub every session of that user at that provider', async () => {
    const second = await holdSession(a, {issuer: op.issuer, subject});
    const elsewhere = await holdSession(a, {issuer: 'https://other.example.com', subject});
    await send(await signed(claims({sub: subject})));
    expect(await Promise.all([held, second, elsewhere].map((one) => verifyStatus(a, one)))).toEqual([
      401, 401, 200,
    ]);
  });

  it('with both the session, if it is that user’s; and those whose provider session is not known', async () => {
    const unknown = await holdSession(a, {issuer: op.issuer, subject});
    await send(await signed(claims({sub: 'somebody-else', sid})));
    expect(await verifyStatus(a, held)).toBe(200);
    await send(await signed(claims({sub: subject, sid})));
    expect([await verifyStatus(a, held), await verifyStatus(a, unknown)]).toEqual([401, 401]);
  });

  it('nothing, and still a 200, where the session is not ours (2.8)', async () => {
    expect((await send(await signed(claims({sid: 'unknown'})))).status).toBe(200);
    expect(await verifyStatus(a, held)).toBe(200);
  });

  it('a session that a login made: the ID token’s sid is kept (2.1)', async () => {
    op.answer = {claims: {sid: 'from-the-id-token'}};
    const browser = browserAt(() => a);
    const login = await browser.visit(op.redirect(await startLogin(browser, {baseUrl: PUBLIC_URL})));
    const {access_token: access} = JSON.parse(login.body) as Tokens;
    const status = async (): Promise<number> =>
      (await fetch(`${a.url}/auth/verify`, {headers: {authorization: `Bearer ${access}`}})).status;
    expect(await status()).toBe(200);
    await send(await signed(claims({sid: 'from-the-id-token'})));
    expect(await status()).toBe(401);
  });
});

describe('Back-Channel Logout 2.6: a logout token that is refused with a 400, and ends nothing', () => {
  const stranger = generateKeyPairSync('rsa', {modulusLength: 2048}).privateKey;
  it.each<[string, () => Promise<string> | string]>([
    ['no JWT', () => 'nonsense'],
    ['alg none (2)', () => new UnsecuredJWT(claims({sid})).encode()],
    [
      'another key (2)',
      () => new SignJWT(claims({sid})).setProtectedHeader({alg: 'RS256', kid: 'one'}).sign(stranger),
    ],
    ['another issuer (3)', () => signed(claims({sid, iss: 'https://evil.example.com'}))],
    ['another audience (3)', () => signed(claims({sid, aud: 'someone-else'}))],
    ['no iat (3)', () => signed(claims({sid, iat: undefined}))],
    ['no exp (3)', () => signed(claims({sid, exp: undefined}))],
    ['expired (3)', () => signed(claims({sid, iat: epoch() - 300, exp: epoch() - 90}))],
    ['neither sub nor sid (4)', () => signed(claims())],
    ['a sid that is no string (4)', () => signed(claims({sid: 7}))],
    ['a sub that is no string (4)', () => signed(claims({sid, sub: {a: 1}}))],
    ['no events (5)', () => signed(claims({sid, events: undefined}))],
    ['events of another kind (5)', () => signed(claims({sid, events: {'https://example.com/event': {}}}))],
    ['events that are no object (5)', () => signed(claims({sid, events: [EVENT]}))],
    ['an event that is no object (5)', () => signed(claims({sid, events: {[EVENT]: true}}))],
    ['a nonce (6)', () => signed(claims({sid, nonce: 'n'}))],
    ['no jti (2.4)', () => signed(claims({sid, jti: undefined}))],
    ['the type of an access token (2.4)', () => signed(claims({sid}), {typ: 'at+jwt'})],
  ])('%s', async (_name, token) => {
    const answer = await send(await token());
    expect([answer.status, answer.headers.get('cache-control')]).toEqual([400, 'no-store']);
    expect(await answer.json()).toMatchObject({error: 'invalid_request'});
    expect(await verifyStatus(a, held)).toBe(200);
  });

  it('one that was used already, on whichever replica (7)', async () => {
    const token = await signed(claims({sub: subject}));
    const answers = await Promise.all([send(token, a), send(token, b), send(token, a), send(token, b)]);
    const statuses = answers.map(({status}) => status);
    expect(statuses.toSorted((one, other) => one - other)).toEqual([200, 400, 400, 400]);
    const later = await holdSession(a, {issuer: op.issuer, subject});
    expect((await send(token)).status).toBe(400);
    expect(await verifyStatus(a, later)).toBe(200);
  });
});

describe('Back-Channel Logout 2.5, 2.8: the request', () => {
  it('without a type in its header is taken, as older providers send it', async () => {
    const token = await new SignJWT(claims({sid}))
      .setProtectedHeader({alg: 'RS256', kid: 'one'})
      .sign(op.key);
    expect((await send(token)).status).toBe(200);
  });

  it('is a form with logout_token', async () => {
    expect((await postForm(a, '/auth/backchannel-logout/oidc', {})).status).toBe(400);
    expect((await fetch(`${a.url}/auth/backchannel-logout/oidc`)).status).toBe(405);
  });

  it('for a provider that is not configured is a 404', async () => {
    expect((await postForm(a, '/auth/backchannel-logout/other', {logout_token: 'x'})).status).toBe(404);
  });

  it('signed with a key published just now is taken', async () => {
    op.rotate('two');
    const token = await signed(claims({sid}), {kid: 'two'});
    expect((await send(token)).status).toBe(200);
    expect(await verifyStatus(a, held)).toBe(401);
  });
});
