// Proxies that ask whether a request may pass: nginx and Traefik with a GET, Envoy as it came, below its path prefix.
import {afterAll, beforeAll, describe, expect, it} from 'vitest';
import type {RunningServer} from '../../../src/server/server.ts';
import {holdSession, type HeldSession} from '../../support/server/sessions.ts';
import {startStack, type Stack} from '../../support/server/stack.ts';

let stack: Stack;
let server: RunningServer;
let held: HeldSession;
beforeAll(async () => {
  stack = await startStack();
  server = await stack.server();
  held = await holdSession(server, {subject: 'ada', email: 'ada@example.com'});
});
afterAll(() => stack.close());

type Check = Omit<RequestInit, 'headers'> & {readonly headers?: Record<string, string>};
const check = (path: string, init: Check = {}): Promise<Response> =>
  fetch(server.url + path, {...init, headers: {authorization: `Bearer ${held.access}`, ...init.headers}});

describe('a request is checked whatever it is', () => {
  it.each(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])('%s', async (method) => {
    for (const path of ['/auth/verify', '/auth/verify/graphql', '/auth/verify/a/b%20c?x=%2e']) {
      const good = await check(path, {method});
      expect([good.status, good.headers.get('x-auth-request-user')]).toEqual([200, held.userId]);
      expect(good.headers.get('x-auth-request-email')).toBe('ada@example.com');
      const bad = await fetch(server.url + path, {method});
      expect([bad.status, bad.headers.get('www-authenticate')]).toEqual([401, 'Bearer realm="fraiseql"']);
    }
  });

  it.each(['multipart/form-data; boundary=x', 'application/json', 'application/grpc'])(
    'with a body of %s, which is not read',
    async (type) => {
      const init = {method: 'POST', headers: {'content-type': type}};
      expect((await check('/auth/verify/upload', {...init, body: '{"not":'})).status).toBe(200);
      expect((await check('/auth/verify/upload', init)).status).toBe(200);
    },
  );

  it('from wherever it comes: what it may do is for the application to say', async () => {
    const headers = {'sec-fetch-site': 'cross-site', origin: 'https://evil.example.net'};
    expect((await check('/auth/verify/graphql', {method: 'POST', headers})).status).toBe(200);
  });
});
