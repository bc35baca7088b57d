import {connect} from 'node:net';
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

interface ErrorBody {
  readonly errors: {message: string; extensions: {code: string; request_id: string}}[];
}

const ask = (path: string, init: RequestInit = {}): Promise<Response> =>
  fetch(server.url + path, {redirect: 'manual', ...init});

const json = (path: string, body: string, type = 'application/json'): Promise<Response> =>
  ask(path, {method: 'POST', headers: {'content-type': type}, body});

async function failure(answer: Response): Promise<[number, string, string]> {
  const body = (await answer.json()) as ErrorBody;
  const [error] = body.errors;
  return [answer.status, error?.extensions.code ?? '', error?.message ?? ''];
}

describe('errors', () => {
  it.each<[string, () => Promise<Response>, [number, string, string]]>([
    ['no such route', () => ask('/nothing'), [404, 'not_found', 'Not found']],
    ['a path with two slashes', () => ask('/auth//me'), [404, 'not_found', 'Not found']],
    ['a path in capitals', () => ask('/AUTH/me'), [404, 'not_found', 'Not found']],
    [
      'another method',
      () => ask('/auth/me', {method: 'DELETE'}),
      [405, 'method_not_allowed', 'Method not allowed'],
    ],
    [
      'a body of another type',
      () => json('/auth/start', 'x', 'text/plain'),
      [415, 'unsupported_media_type', 'Unsupported media type: send application/json'],
    ],
    [
      'a form where JSON is due',
      () => json('/auth/start', 'provider=oidc', 'application/x-www-form-urlencoded'),
      [415, 'unsupported_media_type', 'Unsupported media type: send application/json'],
    ],
    [
      'what is no form where one is due',
      () => json('/auth/introspect', 'token=x', 'text/plain'),
      [415, 'unsupported_media_type', 'Unsupported media type: send application/x-www-form-urlencoded'],
    ],
    [
      'a body of 65 KiB',
      () => json('/auth/refresh', 'x'.repeat(65 * 1024)),
      [413, 'payload_too_large', 'Payload too large'],
    ],
    [
      'broken JSON',
      () => json('/auth/refresh', '{"refresh_token"'),
      [400, 'invalid_request', 'The request cannot be read'],
    ],
    [
      'a poisoned prototype',
      () => json('/auth/refresh', '{"__proto__":{"x":1},"refresh_token":"x"}'),
      [400, 'invalid_request', 'The request cannot be read'],
    ],
    [
      'a missing field',
      () => json('/auth/refresh', '{}'),
      [400, 'invalid_request', 'refresh_token is needed'],
    ],
    [
      'a field of another type',
      () => json('/auth/refresh', '{"refresh_token":7}'),
      [400, 'invalid_request', 'refresh_token must be a string'],
    ],
    [
      'a refresh token of more than 4 KiB',
      () => json('/auth/refresh', JSON.stringify({refresh_token: 'x'.repeat(4097)})),
      [400, 'invalid_request', 'refresh_token must not be longer than 4096 characters'],
    ],
    [
      'another grant',
      () => json('/auth/refresh', 'grant_type=password&refresh_token=x', 'application/x-www-form-urlencoded'),
      [400, 'invalid_request', 'grant_type must be refresh_token'],
    ],
    [
      'an unknown provider',
      () => json('/auth/start', '{"provider":"other"}'),
      [400, 'invalid_request', 'provider must be one of oidc'],
    ],
    [
      'a callback without state',
      () => ask('/auth/callback?code=x'),
      [400, 'invalid_request', 'state is needed'],
    ],
    [
      'a state given twice',
      () => ask('/auth/callback?state=a&state=b&code=x'),
      [400, 'invalid_request', 'state must be given once, as a string'],
    ],
    [
      'a code of more than 4096 bytes',
      () => ask(`/auth/callback?state=a&code=${'x'.repeat(4097)}`),
      [400, 'invalid_request', 'code must not be longer than 4096 characters'],
    ],
    [
      'a state of more than 2 KiB',
      () => ask(`/auth/callback?code=x&state=${'x'.repeat(2049)}`),
      [400, 'invalid_request', 'state must not be longer than 2048 characters'],
    ],
    [
      'an unknown state',
      () => ask('/auth/callback?state=a&code=b'),
      [400, 'invalid_state', 'Authentication failed'],
    ],
    [
      'return_to to another origin',
      () => ask('/auth/start?return_to=https://evil.example.com'),
      [400, 'invalid_request', 'return_to must be a path of this server or an allowed origin'],
    ],
    [
      'a scheme other than Bearer',
      () => ask('/auth/me', {headers: {authorization: 'Basic eDp5'}}),
      [401, 'invalid_token', 'Authentication failed'],
    ],
  ])('%s', async (_name, request, expected) => {
    expect(await failure(await request())).toEqual(expected);
  });

  it('carry the id of the log line that says the real reason', async () => {
    const answer = await ask('/auth/callback?state=a&code=b');
    const id = answer.headers.get('x-request-id');
    const body = (await answer.json()) as ErrorBody;
    expect(body.errors[0]?.extensions.request_id).toBe(id);
    const line = stack.logs.find((entry) => entry.includes(String(id)) && entry.includes('refused'));
    expect(JSON.parse(line ?? '{}')).toMatchObject({
      code: 'invalid_state',
      route: '/auth/callback',
      status: 400,
    });
    expect(line).toContain('unknown, was used already, or is of another browser, or one that began many');
  });

  it('say which methods a route has (RFC 9110 15.5.6)', async () => {
    expect((await ask('/auth/start', {method: 'DELETE'})).headers.get('allow')).toBe('GET, POST');
    expect((await ask('/auth/me', {method: 'DELETE'})).headers.get('allow')).toBe('GET, HEAD');
  });

  it('of a HEAD have the headers of the GET (RFC 9110 9.3.2)', async () => {
    for (const path of ['/health/auth', '/health/live', '/metrics', '/.well-known/jwks.json', '/auth/me']) {
      const [get, head] = [await ask(path), await ask(path, {method: 'HEAD'})];
      expect([head.status, await head.text()]).toEqual([get.status, '']);
      expect(head.headers.get('content-type')).toBe(get.headers.get('content-type'));
    }
  });

  it.each([
    ['a refresh token of nobody', '/auth/refresh', '{"refresh_token":"x"}'],
    ['no credential', '/auth/me', undefined],
    ['no cookie of a session', '/auth/account', undefined],
  ])('of %s name a way to prove who one is (RFC 9110 15.5.2)', async (_name, path, body) => {
    const answer = body === undefined ? await ask(path) : await json(path, body);
    expect([answer.status, answer.headers.get('www-authenticate')]).toEqual([401, 'Bearer realm="fraiseql"']);
  });

  it('do not let a HEAD take a login or its answer', async () => {
    expect((await ask('/auth/start', {method: 'HEAD'})).status).toBe(405);
    expect((await ask('/auth/callback?state=a&code=b', {method: 'HEAD'})).status).toBe(405);
  });

  it('are a small page for a browser, which runs no script', async () => {
    const answer = await ask('/auth/callback?state=a&code=b', {headers: {accept: 'text/html,*/*'}});
    expect(answer.status).toBe(400);
    expect(answer.headers.get('content-type')).toBe('text/html; charset=utf-8');
    const page = await answer.text();
    expect(page).toContain('/auth/start');
    expect(page).toContain(answer.headers.get('x-request-id'));
    expect(page).not.toContain('<script');
    expect(answer.headers.get('content-security-policy')).toMatch(/^default-src 'none'; style-src 'sha256-/);
  });

  it.each([
    ['text/html', true],
    ['text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8', true],
    ['TEXT/HTML', true],
    ['text/html;q=0, application/json', false],
    ['application/json, text/html;q=0.1', false],
    ['*/*', false],
  ])('are a page for who prefers one: Accept: %s', async (accept, page) => {
    const {headers} = await ask('/auth/me', {headers: {accept}});
    expect(headers.get('content-type')).toBe(
      page ? 'text/html; charset=utf-8' : 'application/json; charset=utf-8',
    );
  });

  it('for headers of more than 16 KiB are a 431', async () => {
    const answer = await ask('/auth/me', {headers: {'x-large': 'x'.repeat(17 * 1024)}});
    expect(await failure(answer)).toEqual([431, 'invalid_request', 'The headers are larger than 16 KiB']);
  });

  it('for what is not HTTP are a 400', async () => {
    expect(await raw('NONSENSE\r\n\r\n')).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n/);
    expect(
      await raw(
        'GET /auth/me HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n',
      ),
    ).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n/);
  });
});

describe('every answer', () => {
  it('has the security headers and is not stored (OWASP ASVS 3.4, RFC 6749 5.1)', async () => {
    for (const path of ['/auth/me', '/auth/providers', '/health/auth', '/nothing']) {
      const {headers} = await ask(path);
      expect(headers.get('cache-control')).toBe('no-store');
      expect(headers.get('x-content-type-options')).toBe('nosniff');
      expect(headers.get('x-frame-options')).toBe('DENY');
      expect(headers.get('referrer-policy')).toBe('no-referrer');
      expect(headers.get('content-security-policy')).toContain("default-src 'none'");
    }
  });

  it('says nothing of http in Strict-Transport-Security, and does on https', async () => {
    expect((await ask('/auth/providers')).headers.get('strict-transport-security')).toBeNull();
    const secure = await stack.server({OAUTH_REDIRECT_URI: 'https://api.example.com/auth/callback'});
    const answer = await fetch(`${secure.url}/auth/providers`);
    expect(answer.headers.get('strict-transport-security')).toContain('max-age=31536000');
  });

  it('has a new request id, but a trusted proxy may give one', async () => {
    const given = {headers: {'x-request-id': 'from-the-edge-1'}};
    expect((await ask('/auth/providers', given)).headers.get('x-request-id')).not.toBe('from-the-edge-1');
    const behind = await stack.server({TRUSTED_PROXIES: '127.0.0.0/8'});
    const trusted = await fetch(`${behind.url}/auth/providers`, given);
    expect(trusted.headers.get('x-request-id')).toBe('from-the-edge-1');
    const forged = await fetch(`${behind.url}/auth/providers`, {headers: {'x-request-id': 'a b"c{evil}'}});
    expect(forged.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
  });
});

describe("the client's address in the audit trail", () => {
  const addressSeen = async (at: RunningServer, forwarded: string): Promise<unknown> => {
    const answer = await fetch(`${at.url}/auth/callback?state=a&code=b`, {
      headers: {'x-forwarded-for': forwarded},
    });
    const id = answer.headers.get('x-request-id');
    return stack.audit().find((entry) => entry['requestId'] === id)?.['address'];
  };

  it('is the right-most one that is no trusted proxy; what stands left of it is forged', async () => {
    const behind = await stack.server({TRUSTED_PROXIES: '127.0.0.1,10.0.0.0/8'});
    expect(await addressSeen(behind, '1.1.1.1, 203.0.113.9, 10.1.2.3')).toBe('203.0.113.9');
  });

  it("is the connection's where no proxy is trusted", async () => {
    expect(await addressSeen(server, '203.0.113.9')).toBe('127.0.0.1');
  });
});

describe('the metadata', () => {
  it('names the issuer, the keys and the endpoints (RFC 8414 2)', async () => {
    const body = await (await ask('/.well-known/oauth-authorization-server')).json();
    expect(body).toMatchObject({
      issuer: 'http://localhost:18000',
      jwks_uri: 'http://localhost:18000/.well-known/jwks.json',
      token_endpoint: 'http://localhost:18000/auth/refresh',
    });
  });
});

describe('the metrics', () => {
  it("have FraiseQL's names and the request rates by route", async () => {
    await ask('/auth/verify');
    const text = await (await ask('/metrics')).text();
    for (const name of [
      'fraiseql_auth_attempts_total',
      'fraiseql_auth_successes_total',
      'fraiseql_auth_failures_total',
      'fraiseql_auth_validation_duration_ms_bucket',
      'fraiseql_oauth_exchange_duration_ms',
      'fraiseql_sessions_revoked_total',
      'fraiseql_auth_database_pool{state="idle"}',
      'nodejs_eventloop_lag_p99_seconds',
    ]) {
      expect(text).toContain(name);
    }
    expect(text).toMatch(
      /fraiseql_auth_request_duration_seconds_count\{route="\/auth\/verify",method="GET",status="401"\} \d+/,
    );
    // What a client makes up is no label.
    await ask('/made-up-by-a-client');
    expect(await (await ask('/metrics')).text()).not.toContain('made-up');
  });

  it('are integers at /metrics/auth', async () => {
    const body = (await (await ask('/metrics/auth')).json()) as Record<string, number>;
    expect(Object.keys(body).sort()).toEqual([
      'failed_authentications',
      'sessions_revoked',
      'successful_authentications',
      'tokens_issued',
      'tokens_refreshed',
      'total_auth_attempts',
    ]);
    expect(Object.values(body).every(Number.isInteger)).toBe(true);
  });
});

describe('what reaches no route has a line in the log under the id that its answer names', () => {
  it.each<[string, string, number]>([
    [
      'headers that are too large',
      `GET /auth/me HTTP/1.1\r\nhost: x\r\nx-large: ${'x'.repeat(17_000)}\r\n\r\n`,
      431,
    ],
    ['what is no HTTP', 'nonsense\r\n\r\n', 400],
    [
      'an address that cannot be decoded',
      'GET /auth/sessions/%zz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n',
      400,
    ],
  ])('%s', async (_name, request, status) => {
    const id = /request_id":"([\w-]+)/.exec(await raw(request))?.[1] ?? 'none';
    const line = stack.logs.find((entry) => entry.includes(id)) ?? '{}';
    expect(JSON.parse(line)).toMatchObject({requestId: id, status, code: 'invalid_request'});
  });

  it('of a flood, some', async () => {
    const before = stack.logs.length;
    await Promise.all(Array.from({length: 100}, () => raw('nonsense\r\n\r\n')));
    const lines = stack.logs.slice(before).filter((entry) => entry.includes('cannot be read'));
    expect(lines.length).toBeLessThanOrEqual(61);
  });
});

function raw(text: string): Promise<string> {
  const {hostname, port} = new URL(server.url);
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname, () => socket.write(text));
    let answer = '';
    socket.on('data', (chunk: Buffer) => {
      answer += chunk.toString();
    });
    socket.on('close', () => resolve(answer));
    socket.on('error', reject);
  });
}
