import {createLocalJWKSet, jwtVerify, type JSONWebKeySet} from 'jose';
import {afterAll, beforeAll, describe, expect, it} from 'vitest';
import type {RunningServer} from '../../../src/server/server.ts';
import {finishLogin, signIn, startLogin, type Tokens} from '../../support/login.ts';
import {dumpTables, standsIn} from '../../support/tables.ts';
import {browserAt, CLIENT_SECRET, PUBLIC_URL, startStack, type Stack} from '../../support/server/stack.ts';

let stack: Stack;
let a: RunningServer;
let b: RunningServer;

beforeAll(async () => {
  stack = await startStack();
  [a, b] = await Promise.all([stack.server(), stack.server()]);
});
afterAll(() => stack.close());

const here = {baseUrl: PUBLIC_URL};

/** A login that begins on one server and ends on the other. */
async function login(user: string): Promise<Tokens> {
  let current = a;
  const browser = browserAt(() => current);
  const authorize = await startLogin(browser, here);
  const callback = await signIn(browser, authorize, {...here, user});
  current = b;
  return finishLogin(browser, callback);
}

function get(server: RunningServer, path: string, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(new URL(path, server.url), {headers, redirect: 'manual'});
}

function post(
  server: RunningServer,
  path: string,
  body: unknown,
  headers: Record<string, string> = {},
): Promise<Response> {
  return fetch(new URL(path, server.url), {
    method: 'POST',
    headers: {'content-type': 'application/json', ...headers},
    body: JSON.stringify(body),
  });
}

const bearer = (tokens: Tokens): Record<string, string> => ({authorization: `Bearer ${tokens.access_token}`});

describe('a login', () => {
  it('begins on one replica and ends on another', async () => {
    const tokens = await login('alice');
    expect(tokens).toMatchObject({token_type: 'Bearer', expires_in: 3600});
    const me = await get(a, '/auth/me', bearer(tokens));
    expect(await me.json()).toMatchObject({provider: 'oidc', email: 'alice@example.com', name: 'Alice'});
  });

  it('sends the browser with S256, state and nonce (RFC 9700 2.1.1, RFC 7636 4.3)', async () => {
    const browser = browserAt(() => a);
    const url = await startLogin(browser, here);
    // The provider offers PAR or not; both carry the challenge, one of them not in the URL.
    const shown = url.searchParams.get('request_uri') ?? url.searchParams.get('code_challenge_method');
    expect(shown).toMatch(/^(S256|urn:ietf:params:oauth:request_uri:.+)$/);
  });

  it('signs access tokens that any JWT library verifies by the published keys (RFC 9068 2, RFC 7517)', async () => {
    const tokens = await login('alice');
    const jwks = (await (await get(b, '/.well-known/jwks.json')).json()) as JSONWebKeySet;
    const {payload, protectedHeader} = await jwtVerify(tokens.access_token, createLocalJWKSet(jwks), {
      issuer: PUBLIC_URL,
      audience: PUBLIC_URL,
      typ: 'at+jwt',
    });
    expect(protectedHeader).toMatchObject({alg: 'RS256', typ: 'at+jwt'});
    expect(Object.keys(payload).sort()).toEqual([
      'aud',
      'client_id',
      'exp',
      'iat',
      'iss',
      'jti',
      'sid',
      'sub',
    ]);
    expect(jwks.keys[0]).not.toHaveProperty('d');
  });

  it('gives the same user the same id and each login its own session', async () => {
    const [first, second] = [await login('carol'), await login('carol')];
    const [one, two] = await Promise.all(
      [first, second].map(
        async (tokens) =>
          (await get(a, '/auth/me', bearer(tokens))).json() as Promise<Record<string, string>>,
      ),
    );
    expect(one?.['sub']).toBe(two?.['sub']);
    expect(one?.['sub']).toMatch(/^[0-9a-f]{32}$/);
    expect(one?.['session_id']).not.toBe(two?.['session_id']);
  });
});

describe('forward authentication', () => {
  it('answers with the user, e-mail address and session', async () => {
    const tokens = await login('alice');
    const answer = await get(b, '/auth/verify', bearer(tokens));
    expect(answer.status).toBe(200);
    expect(answer.headers.get('x-auth-request-email')).toBe('alice@example.com');
    expect(answer.headers.get('x-auth-request-user')).toMatch(/^[0-9a-f]{32}$/);
    expect(answer.headers.get('x-auth-request-session')).toMatch(/^[0-9a-f-]{36}$/);
  });

  it('challenges without an error where no credential was given (RFC 6750 3.1)', async () => {
    const answer = await get(b, '/auth/verify');
    expect(answer.status).toBe(401);
    expect(answer.headers.get('www-authenticate')).toBe('Bearer realm="fraiseql"');
  });

  it('names the error where a token was given, and not why in the body (RFC 6750 3.1)', async () => {
    const answer = await get(b, '/auth/verify', {authorization: 'Bearer not.a.token'});
    expect(answer.status).toBe(401);
    expect(answer.headers.get('www-authenticate')).toContain('error="invalid_token"');
    const body = (await answer.json()) as {errors: {message: string}[]};
    expect(body.errors[0]?.message).toBe('Authentication failed');
  });
});

describe('refresh', () => {
  it('works on another replica than the login, and rotates', async () => {
    const tokens = await login('alice');
    const answer = await post(a, '/auth/refresh', {refresh_token: tokens.refresh_token});
    expect(answer.status).toBe(200);
    expect(answer.headers.get('cache-control')).toBe('no-store');
    const next = (await answer.json()) as Tokens;
    expect(next.refresh_token).not.toBe(tokens.refresh_token);
    expect((await get(b, '/auth/verify', bearer(next))).status).toBe(200);
  });

  it('gives one successor to twenty presentations at once on two replicas', async () => {
    const tokens = await login('alice');
    const answers = await Promise.all(
      Array.from({length: 20}, async (_, index) => {
        const answer = await post(index % 2 ? a : b, '/auth/refresh', {refresh_token: tokens.refresh_token});
        return (await answer.json()) as Tokens;
      }),
    );
    expect(new Set(answers.map((answer) => answer.refresh_token)).size).toBe(1);
    expect(answers[0]?.refresh_token).toMatch(/^[\w-]{43}$/);
  });

  it('does so where the role asks for a stricter isolation than the guide', async () => {
    await stack.database.asSuperuser(
      `ALTER ROLE fraiseql_app IN DATABASE ${stack.database.name} SET default_transaction_isolation TO 'repeatable read'`,
    );
    const strict = await stack.server();
    const tokens = await login('alice');
    const answers = await Promise.all(
      Array.from({length: 10}, () => post(strict, '/auth/refresh', {refresh_token: tokens.refresh_token})),
    );
    await stack.database.asSuperuser(
      `ALTER ROLE fraiseql_app IN DATABASE ${stack.database.name} RESET default_transaction_isolation`,
    );
    expect(answers.map((answer) => answer.status)).toEqual(Array.from({length: 10}, () => 200));
    const successors = await Promise.all(
      answers.map(async (answer) => ((await answer.json()) as Tokens).refresh_token),
    );
    expect(new Set(successors).size).toBe(1);
  });

  it('takes the form of RFC 6749 6 as well', async () => {
    const tokens = await login('alice');
    const answer = await fetch(new URL('/auth/refresh', a.url), {
      method: 'POST',
      body: new URLSearchParams({grant_type: 'refresh_token', refresh_token: tokens.refresh_token}),
    });
    expect(answer.status).toBe(200);
  });

  it('ends the session, and only that one, when a token comes back after the window (RFC 9700 4.14.2)', async () => {
    const strict = await stack.server({REFRESH_REPLAY_WINDOW: '0'});
    const [stolen, other] = [await login('dave'), await login('dave')];
    const next = (await (
      await post(strict, '/auth/refresh', {refresh_token: stolen.refresh_token})
    ).json()) as Tokens;
    const reused = await post(strict, '/auth/refresh', {refresh_token: stolen.refresh_token});
    expect(reused.status).toBe(401);
    expect((await get(a, '/auth/verify', bearer(next))).status).toBe(401);
    expect((await post(a, '/auth/refresh', {refresh_token: next.refresh_token})).status).toBe(401);
    expect((await get(a, '/auth/verify', bearer(other))).status).toBe(200);
    expect(stack.audit().map((entry) => entry['event'])).toContain('session_reuse_detected');
  });

  it('answers an unknown, a revoked and a reused token alike (RFC 9700 4.14)', async () => {
    const strict = await stack.server({REFRESH_REPLAY_WINDOW: '0'});
    const reused = await login('erin');
    await post(strict, '/auth/refresh', {refresh_token: reused.refresh_token});
    const revoked = await login('erin');
    await post(a, '/auth/logout', {refresh_token: revoked.refresh_token});
    const bodies = await Promise.all(
      ['x'.repeat(43), revoked.refresh_token, reused.refresh_token].map(async (token) => {
        const answer = await post(strict, '/auth/refresh', {refresh_token: token});
        const body = (await answer.text()).replace(/"request_id":"[^"]+"/, '');
        return `${answer.status} ${body} ${[...answer.headers.keys()].sort().join()}`;
      }),
    );
    expect(new Set(bodies).size).toBe(1);
    expect(bodies[0]).toContain(
      '401 {"errors":[{"message":"Authentication failed","extensions":{"code":"token_not_found"',
    );
  });

  it('keeps the token where REFRESH_ROTATION is Static', async () => {
    const old = await stack.server({REFRESH_ROTATION: 'Static'});
    const tokens = await login('alice');
    for (let round = 0; round < 2; round++) {
      const answer = await post(old, '/auth/refresh', {refresh_token: tokens.refresh_token});
      expect(((await answer.json()) as Tokens).refresh_token).toBe(tokens.refresh_token);
    }
  });

  it('refuses a session past its idle limit, and one past its end', async () => {
    const short = await stack.server({REFRESH_IDLE_TTL: '60'});
    const [idle, old] = [await login('frank'), await login('frank')];
    const sid = (tokens: Tokens): string =>
      (
        JSON.parse(Buffer.from(tokens.access_token.split('.')[1] ?? '', 'base64url').toString()) as {
          sid: string;
        }
      ).sid;
    await stack.database.asSuperuser(
      `UPDATE _system.session_details SET idle_expires_at = now() - interval '1 s' WHERE session_id = '${sid(idle)}';
       UPDATE _system.sessions SET expires_at = 1 WHERE id = '${sid(old)}'`,
    );
    expect((await post(short, '/auth/refresh', {refresh_token: idle.refresh_token})).status).toBe(401);
    expect((await post(short, '/auth/refresh', {refresh_token: old.refresh_token})).status).toBe(401);
    expect((await get(short, '/auth/verify', bearer(old))).status).toBe(401);
  });
});

describe('logout', () => {
  it('takes effect on the other replica', async () => {
    const tokens = await login('alice');
    expect((await post(a, '/auth/logout', {refresh_token: tokens.refresh_token})).status).toBe(204);
    const answer = await get(b, '/auth/verify', bearer(tokens));
    expect(answer.status).toBe(401);
    expect(
      ((await answer.json()) as {errors: {extensions: {code: string}}[]}).errors[0]?.extensions.code,
    ).toBe('session_error');
  });

  it('with all ends every session of that user and of no other', async () => {
    const [one, two, other] = [await login('grace'), await login('grace'), await login('heidi')];
    expect((await post(a, '/auth/logout', {refresh_token: one.refresh_token, all: true})).status).toBe(204);
    expect((await get(b, '/auth/verify', bearer(one))).status).toBe(401);
    expect((await get(b, '/auth/verify', bearer(two))).status).toBe(401);
    expect((await get(b, '/auth/verify', bearer(other))).status).toBe(200);
  });

  it('of nothing that is known does nothing and says nothing', async () => {
    expect((await post(a, '/auth/logout', {refresh_token: 'unknown'})).status).toBe(204);
    expect((await fetch(new URL('/auth/logout', a.url), {method: 'POST'})).status).toBe(204);
  });

  it('with a token that was exchanged a moment ago still ends the session', async () => {
    const tokens = await login('alice');
    const next = (await (
      await post(a, '/auth/refresh', {refresh_token: tokens.refresh_token})
    ).json()) as Tokens;
    await post(b, '/auth/logout', {refresh_token: tokens.refresh_token});
    expect((await get(a, '/auth/verify', bearer(next))).status).toBe(401);
  });
});

describe('secrets', () => {
  it('stand in no log line and in no table', async () => {
    const tokens = await login('ivan');
    const refreshed = await post(a, '/auth/refresh', {refresh_token: tokens.refresh_token});
    const next = (await refreshed.json()) as Tokens;
    const [logs, tables] = [stack.logs.join(''), await dumpTables(stack.database)];
    expect(logs).toContain('session_refreshed');
    expect(tables).toContain('ivan@example.com');
    for (const secret of [tokens.refresh_token, tokens.access_token, next.refresh_token, CLIENT_SECRET]) {
      expect([standsIn(secret, logs), standsIn(secret, tables)]).toEqual([false, false]);
    }
  });
});
