// Requests that two servers behind one another would read differently, so that one of them hides in another.
import {beforeAll, describe, expect, it} from 'vitest';
import type {Target} from '../../src/attack/target.ts';
import {holdSession} from '../support/server/sessions.ts';
import {authServer, logIn, someone} from '../support/server/auth-server.ts';
import {head, isOurs, targetOf} from './support/attacked.ts';

let target: Target;
let bearer: string;
beforeAll(async () => {
  const server = await authServer();
  target = targetOf(server);
  bearer = `Authorization: Bearer ${(await logIn(server)).access_token}`;
});

const POST = 'POST /auth/logout HTTP/1.1';
const JSON_TYPE = 'Content-Type: application/json';
const hidden = (): string => head(target, 'GET /auth/me HTTP/1.1', bearer);

describe('one request is one request: refused, and nothing after it is served', () => {
  it.each<[string, (...lines: string[]) => string]>([
    [
      'Content-Length beside Transfer-Encoding',
      () => head(target, POST, 'Content-Length: 4', 'Transfer-Encoding: chunked') + '0\r\n\r\n',
    ],
    [
      'and the other way round',
      () => head(target, POST, 'Transfer-Encoding: chunked', 'Content-Length: 4') + '0\r\n\r\n',
    ],
    ['two lengths', () => head(target, POST, 'Content-Length: 0', 'Content-Length: 40')],
    ['twice the same length', () => head(target, POST, 'Content-Length: 0', 'Content-Length: 0')],
    ['a list of lengths', () => head(target, POST, 'Content-Length: 0, 40')],
    ['a length with a sign', () => head(target, POST, 'Content-Length: +0')],
    ['a length below zero', () => head(target, POST, 'Content-Length: -1')],
    ['a length in hexadecimal', () => head(target, POST, 'Content-Length: 0x0')],
    ['a length past all bounds', () => head(target, POST, `Content-Length: ${'9'.repeat(30)}`)],
    ['a space before the colon', () => head(target, POST, 'Content-Length : 0')],
    [
      'two codings',
      () => head(target, POST, 'Transfer-Encoding: chunked', 'Transfer-Encoding: identity') + '0\r\n\r\n',
    ],
    ['an unknown coding', () => head(target, POST, 'Transfer-Encoding: xchunked') + '0\r\n\r\n'],
    ['chunked, and not last', () => head(target, POST, 'Transfer-Encoding: chunked, identity') + '0\r\n\r\n'],
    [
      'chunked in HTTP/1.0',
      () =>
        head(
          target,
          'POST /auth/logout HTTP/1.0',
          'Connection: keep-alive',
          'Transfer-Encoding: chunked',
          JSON_TYPE,
        ) + '2\r\n{}\r\n0\r\n\r\n',
    ],
    ['a folded header', () => head(target, POST, 'X-One: a', ' Content-Length: 5')],
    ['a header folded by a tab', () => head(target, POST, 'X-One: a', '\tContent-Length: 5')],
    ['a folded first header', () => head(target, POST, ' X-One: a')],
    ['line ends without CR', () => head(target, POST, 'X-One: a').replaceAll('\r', '')],
    ['a bare CR in a header', () => head(target, POST, 'X-One: a\rContent-Length: 5')],
    ['a NUL in a header', () => head(target, POST, 'X-One: a\0b')],
    [
      'a chunk size that is none',
      () => head(target, POST, 'Transfer-Encoding: chunked', JSON_TYPE) + 'zz\r\n{}\r\n0\r\n\r\n',
    ],
    [
      'a chunk longer than it says',
      () => head(target, POST, 'Transfer-Encoding: chunked', JSON_TYPE) + '1\r\n{}\r\n0\r\n\r\n',
    ],
    [
      'a chunk size past all bounds',
      () =>
        head(target, POST, 'Transfer-Encoding: chunked', JSON_TYPE) + `${'f'.repeat(20)}\r\n{}\r\n0\r\n\r\n`,
    ],
    [
      'two Hosts',
      () => head(target, 'GET /auth/providers HTTP/1.1', `Host: ${target.url.host}`, 'Host: evil.example'),
    ],
    [
      'twice the same Host',
      () =>
        head(target, 'GET /auth/providers HTTP/1.1', `Host: ${target.url.host}`, `HOST: ${target.url.host}`),
    ],
    ['no Host', () => 'GET /auth/providers HTTP/1.1\r\n\r\n'],
    [
      'a Host with a path',
      () => head(target, 'GET /auth/providers HTTP/1.1', `Host: ${target.url.host}/auth`),
    ],
    [
      'a Host with a user',
      () => head(target, 'GET /auth/providers HTTP/1.1', `Host: evil@${target.url.host}`),
    ],
    [
      'a Host with a space',
      () => head(target, 'GET /auth/providers HTTP/1.1', `Host: ${target.url.host} evil.example`),
    ],
    ['two credentials', () => head(target, 'GET /auth/verify HTTP/1.1', bearer, 'Authorization: Bearer x')],
    [
      'two types of one body',
      () => head(target, POST, JSON_TYPE, 'Content-Type: text/plain', 'Content-Length: 2') + '{}',
    ],
  ])('%s', async (_name, make) => {
    const answer = await target.send(make() + hidden());
    expect([400, 413, 415]).toContain(answer.status);
    expect(answer.count).toBe(1);
    expect(answer.headers['connection']).toBe('close');
    expect(isOurs(answer)).toBe(true);
    expect(answer.body).not.toContain('user_id');
  });

  it('what another protocol would begin is not begun', async () => {
    const upgrade = head(
      target,
      'GET /auth/me HTTP/1.1',
      'Connection: Upgrade, HTTP2-Settings',
      'Upgrade: h2c',
      'HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA',
    );
    const {status} = await target.send(
      upgrade.replace('Upgrade, HTTP2-Settings', 'Upgrade, HTTP2-Settings, close'),
    );
    expect(status).toBe(401);
    expect((await target.send(head(target, 'CONNECT 127.0.0.1:22 HTTP/1.1'))).status).toBe(0);
    expect((await target.send('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')).status).toBe(400);
  });

  it('a trailer is no header', async () => {
    const asked = head(target, 'GET /auth/me HTTP/1.1', 'Transfer-Encoding: chunked', 'Connection: close');
    const {status} = await target.send(`${asked}0\r\n${bearer}\r\n\r\n`);
    expect(status).toBe(401);
  });
});

describe('a proxy that copies the headers of /auth/verify', () => {
  it('finds one of each name, so that none of a client passes: empty where there is no address', async () => {
    const server = await authServer();
    const held = await holdSession(server, {subject: someone()});
    const headers = {authorization: `Bearer ${held.access}`, 'x-auth-request-email': 'admin@example.com'};
    const answer = await target.ask('/auth/verify', {headers});
    expect(answer.status).toBe(200);
    expect(answer.headers).toMatchObject({
      'x-auth-request-user': held.userId,
      'x-auth-request-session': held.id,
      'x-auth-request-email': '',
    });
  });
});

describe('who someone is says a credential, and nothing that a proxy would say', () => {
  it.each<Record<string, string>>([
    {
      'x-auth-request-user': 'admin',
      'x-auth-request-session': 'A',
      'x-auth-request-email': 'admin@example.com',
    },
    {'x-forwarded-user': 'admin', 'x-forwarded-email': 'admin@example.com', 'x-forwarded-groups': 'admin'},
    {'x-remote-user': 'admin', 'remote-user': 'admin', 'x-webauth-user': 'admin'},
    {'x-forwarded-client-cert': 'By=x;Subject="CN=admin"', 'ssl-client-verify': 'SUCCESS'},
    {authorization: 'Basic YWRtaW46YWRtaW4='},
    {authorization: 'Negotiate YII='},
    {'proxy-authorization': 'Bearer x'},
    {cookie: 'user=admin; fraiseql-session=admin'},
  ])('%j', async (headers) => {
    const answer = await target.ask('/auth/verify', {headers});
    expect(answer.status).toBe(401);
    expect(Object.keys(answer.headers).filter((name) => name.startsWith('x-auth-request'))).toEqual([]);
  });
});
