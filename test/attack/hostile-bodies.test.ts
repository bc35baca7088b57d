// Bodies and headers that are too large, too deep, or not what they say: each is refused soon, in our own words, and the
// server is as it was.
import {randomBytes} from 'node:crypto';
import {gzipSync} from 'node:zlib';
import {beforeAll, describe, expect, it} from 'vitest';
import type {RunningServer} from '../../src/server/server.ts';
import type {Target} from '../../src/attack/target.ts';
import {authServer} from '../support/server/auth-server.ts';
import {head, isOurs, targetOf} from './support/attacked.ts';

let server: RunningServer;
let target: Target;
beforeAll(async () => {
  server = await authServer();
  target = targetOf(server);
});

const JSON_TYPE = {'content-type': 'application/json'};
const FORM = {'content-type': 'application/x-www-form-urlencoded'};
const KIB = 1024;
const nested = (open: string, close: string, depth: number, inside = ''): string =>
  open.repeat(depth) + inside + close.repeat(depth);

describe('refused in our own words', () => {
  it.each<[string, string, string | Buffer, Record<string, string>]>([
    ['65 KiB', '/auth/refresh', JSON.stringify({refresh_token: 'A'.repeat(65 * KIB)}), JSON_TYPE],
    ['lists in lists', '/auth/refresh', nested('[', ']', 30_000), JSON_TYPE],
    ['objects in objects', '/auth/refresh', nested('{"a":', '}', 10_000, '1'), JSON_TYPE],
    ['lists without an end', '/auth/refresh', '['.repeat(60_000), JSON_TYPE],
    ['a deep token', '/auth/refresh', `{"refresh_token":${nested('[', ']', 30_000)}}`, JSON_TYPE],
    ['__proto__', '/auth/refresh', '{"__proto__":{"refresh_token":"x"}}', JSON_TYPE],
    [
      '__proto__ by an escape',
      '/auth/refresh',
      String.raw`{"\u005f\u005fproto__":{"refresh_token":"x"}}`,
      JSON_TYPE,
    ],
    ['__proto__ below', '/auth/refresh', '{"a":{"__proto__":{"refresh_token":"x"}}}', JSON_TYPE],
    [
      'constructor.prototype',
      '/auth/refresh',
      '{"constructor":{"prototype":{"refresh_token":"x"}}}',
      JSON_TYPE,
    ],
    ['__proto__ in a form', '/auth/refresh', '__proto__[refresh_token]=x', FORM],
    ['a huge number', '/auth/refresh', `{"refresh_token":${'9'.repeat(60_000)}}`, JSON_TYPE],
    ['a number past all bounds', '/auth/refresh', '{"refresh_token":1e999999}', JSON_TYPE],
    ['a query for a token', '/auth/refresh', '{"refresh_token":{"$ne":null}}', JSON_TYPE],
    ['a list for a token', '/auth/refresh', '{"refresh_token":["x"]}', JSON_TYPE],
    ['two tokens in a form', '/auth/refresh', 'refresh_token=a&refresh_token=b', FORM],
    ['30,000 fields', '/auth/refresh', 'a=b&'.repeat(16_000), FORM],
    ['escapes that are none', '/auth/refresh', 'refresh_token=%zz%', FORM],
    ['a NUL in a token', '/auth/refresh', String.raw`{"refresh_token":"a\u0000b"}`, JSON_TYPE],
    ['half a character', '/auth/refresh', String.raw`{"refresh_token":"\ud800"}`, JSON_TYPE],
    ['no UTF-8', '/auth/refresh', Buffer.from([0x7b, 0xff, 0xfe, 0x7d]), JSON_TYPE],
    [
      'UTF-16',
      '/auth/refresh',
      Buffer.from('{"refresh_token":"x"}', 'utf16le'),
      {'content-type': 'application/json; charset=utf-16'},
    ],
    ['UTF-7', '/auth/refresh', '+AHs-+AH0-', {'content-type': 'application/json; charset=utf-7'}],
    ['a byte order mark alone', '/auth/refresh', '\ufeff', JSON_TYPE],
    ['nothing', '/auth/refresh', '', JSON_TYPE],
    [
      'a bomb',
      '/auth/refresh',
      gzipSync(Buffer.alloc(50_000_000, 'A'), {level: 9}).subarray(0, 60_000),
      {...JSON_TYPE, 'content-encoding': 'gzip'},
    ],
    [
      'compressed',
      '/auth/refresh',
      gzipSync('{"refresh_token":"x"}'),
      {...JSON_TYPE, 'content-encoding': 'gzip'},
    ],
    [
      'multipart',
      '/auth/refresh',
      '--x\r\nContent-Disposition: form-data; name="refresh_token"\r\n\r\nx\r\n--x--\r\n',
      {'content-type': 'multipart/form-data; boundary=x'},
    ],
    [
      'XML',
      '/auth/refresh',
      '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><x>&e;</x>',
      {'content-type': 'application/xml'},
    ],
    ['JSON as text', '/auth/refresh', '{"refresh_token":"x"}', {'content-type': 'text/plain'}],
    [
      'JSON as what a form may send',
      '/auth/logout',
      '{"all":true}',
      {'content-type': 'text/plain;application/json'},
    ],
    ['a type that is none', '/auth/refresh', '{"refresh_token":"x"}', {'content-type': 'a'.repeat(8_000)}],
    ['a callback for scripts', '/auth/refresh?callback=alert', '{"refresh_token":1}', JSON_TYPE],
    ['random bytes', '/auth/refresh', randomBytes(4 * KIB), JSON_TYPE],
    ['random bytes as a form', '/auth/introspect', randomBytes(4 * KIB), FORM],
    [
      'a logout token of 20 KiB',
      '/auth/backchannel-logout/oidc',
      `logout_token=${'a'.repeat(20 * KIB)}`,
      FORM,
    ],
    ['a logout token of dots', '/auth/backchannel-logout/oidc', `logout_token=${'.'.repeat(16 * KIB)}`, FORM],
    [
      'a bracket after another in a logout token',
      '/auth/backchannel-logout/oidc',
      `logout_token=${Buffer.from('['.repeat(9 * KIB)).toString('base64url')}.e30.AA`,
      FORM,
    ],
  ])('%s', async (_name, path, body, headers) => {
    const bytes = Buffer.from(body).toString('latin1');
    const answer = await target.ask(path, {
      method: 'POST',
      headers: {...headers, 'content-length': String(bytes.length)},
      body: bytes,
    });
    expect(answer.status).toBeGreaterThanOrEqual(400);
    expect(answer.status).toBeLessThan(500);
    expect(isOurs(answer)).toBe(true);
  });

  it.each<[string, () => string]>([
    ['headers of 20 KiB', () => head(target, 'GET /auth/me HTTP/1.1', `X-Large: ${'a'.repeat(20 * KIB)}`)],
    [
      '4,000 headers',
      () => head(target, 'GET /auth/me HTTP/1.1', ...Array.from({length: 4_000}, (_, n) => `X-${n}: a`)),
    ],
    [
      'an address of 20 KiB',
      () => head(target, `GET /auth/start?return_to=/${'a'.repeat(20 * KIB)} HTTP/1.1`),
    ],
    [
      'a cookie of 15 KiB',
      () => head(target, 'GET /auth/me HTTP/1.1', `Cookie: ${'a=b; '.repeat(3 * KIB)}`, 'Connection: close'),
    ],
    [
      'a token of 15 KiB',
      () =>
        head(
          target,
          'GET /auth/me HTTP/1.1',
          `Authorization: Bearer ${'a'.repeat(15 * KIB)}`,
          'Connection: close',
        ),
    ],
    [
      '4,000 parameters',
      () => head(target, `GET /auth/callback?${'a=b&'.repeat(3_500)} HTTP/1.1`, 'Connection: close'),
    ],
    [
      'a chunk that has no end',
      () =>
        `${head(target, 'POST /auth/refresh HTTP/1.1', 'Content-Type: application/json', 'Transfer-Encoding: chunked')}fffff\r\n${'a'.repeat(70 * KIB)}`,
    ],
    [
      'chunk extensions',
      () =>
        `${head(target, 'POST /auth/refresh HTTP/1.1', 'Content-Type: application/json', 'Transfer-Encoding: chunked')}1;${'a'.repeat(40 * KIB)}\r\n{\r\n`,
    ],
    ['binary', () => randomBytes(2 * KIB).toString('latin1')],
    ['a TLS hello', () => '\u0016\u0003\u0001\u0002\u0000\u0001\u0000\u0001\u00fc\u0003\u0003'],
  ])('%s', async (_name, make) => {
    const answer = await target.send(make());
    expect(answer.status).toBeGreaterThanOrEqual(400);
    expect(answer.status).toBeLessThan(500);
    expect(isOurs(answer)).toBe(true);
  });
});

describe('afterwards', () => {
  it('nothing of it is left in the prototypes, and the server serves', async () => {
    expect(Object.keys(Object.getPrototypeOf({}) as object)).toEqual([]);
    expect(({} as Record<string, unknown>)['refresh_token']).toBeUndefined();
    expect((await target.ask('/health/live')).status).toBe(200);
  });
});
