import type {Answer} from './target.ts';
import {refused, refusedOrClosed, unauthorized, type Attack} from './trial.ts';

const JSON_TYPE = {'content-type': 'application/json'};
const MADE_UP = 'A'.repeat(43);
const EVIL = 'https://evil.example';

export const smuggling: Attack = {
  name: 'smuggling',
  title: 'requests that two servers would read differently',
  async run(target, trial) {
    const head = (...lines: string[]): string =>
      ['POST /auth/logout HTTP/1.1', `Host: ${target.url.host}`, ...lines].join('\r\n');
    const hidden = `GET /auth/me HTTP/1.1\r\nHost: ${target.url.host}\r\n\r\n`;
    const attempts: [string, string][] = [
      [
        'Content-Length beside Transfer-Encoding',
        `${head('Content-Length: 4', 'Transfer-Encoding: chunked')}\r\n\r\n0\r\n\r\n${hidden}`,
      ],
      ['two lengths', `${head('Content-Length: 0', `Content-Length: ${hidden.length}`)}\r\n\r\n${hidden}`],
      ['a list of lengths', `${head('Content-Length: 0, 5')}\r\n\r\nhello`],
      ['a signed length', `${head('Content-Length: +5')}\r\n\r\nhello`],
      ['a length in hexadecimal', `${head('Content-Length: 0x5')}\r\n\r\nhello`],
      ['an unknown transfer coding', `${head('Transfer-Encoding: xchunked')}\r\n\r\n0\r\n\r\n${hidden}`],
      ['chunked, but not last', `${head('Transfer-Encoding: chunked, identity')}\r\n\r\n0\r\n\r\n${hidden}`],
      ['a space before the colon', `${head('Content-Length : 5')}\r\n\r\nhello`],
      ['a folded header', `${head('X-One: a', ' Content-Length: 5')}\r\n\r\nhello`],
      ['a chunk size that is none', `${head('Transfer-Encoding: chunked')}\r\n\r\nzz\r\n\r\n${hidden}`],
      ['a NUL in a header', `${head('X-One: a\0b')}\r\n\r\n`],
      ['a bare CR in a header', `${head('X-One: a\rX-Two: b')}\r\n\r\n`],
      ['no Host', 'GET /auth/me HTTP/1.1\r\n\r\n'],
      ['two Hosts', `${head('Host: evil.example', 'Content-Length: 0')}\r\n\r\n`],
      ['two credentials', `${head('Authorization: Bearer a', 'Authorization: Bearer b')}\r\n\r\n`],
    ];
    for (const [what, bytes] of attempts) {
      const answer = await target.send(bytes);
      trial.expect(what, answer, (given) => refusedOrClosed(given) && given.count <= 1);
    }
  },
};

export const identityHeaders: Attack = {
  name: 'identity-headers',
  title: 'headers by which a proxy would say who someone is',
  async run(target, trial) {
    for (const headers of [
      {'x-auth-request-user': 'admin', 'x-auth-request-session': MADE_UP},
      {'x-forwarded-user': 'admin', 'x-forwarded-email': 'admin@example.com'},
      {'x-remote-user': 'admin', 'remote-user': 'admin'},
      {'x-forwarded-for': '127.0.0.1', 'x-real-ip': '127.0.0.1'},
      {'x-original-url': '/health/live', 'x-rewrite-url': '/health/live'},
      {'x-forwarded-client-cert': 'By=x;Subject="CN=admin"'},
      {authorization: 'Basic YWRtaW46YWRtaW4='},
      {cookie: `fraiseql-session=${MADE_UP}; __Host-fraiseql-session=${MADE_UP}`},
      {cookie: 'user=admin; session=admin'},
    ] as Record<string, string>[]) {
      const answer = await target.ask('/auth/verify', {headers});
      const what = JSON.stringify(headers);
      trial.expect(what, answer, unauthorized);
      trial.check(`${what}: no user is named`, answer.headers['x-auth-request-user'] === undefined);
    }
  },
};

export const pathAliases: Attack = {
  name: 'path-aliases',
  title: 'other spellings of a path, past the rules of an edge',
  async run(target, trial) {
    for (const path of [
      '//auth/me',
      '/auth//me',
      '/AUTH/me',
      '/auth/me/',
      '/auth/./me',
      '/x/../auth/me',
      '/auth/%6de',
      '/auth%2fme',
      '/auth/me;x=y',
      '/auth/me%00',
      '/auth/me%20',
      '/auth/me?',
      '/auth\\me',
      '/%2e/auth/me',
      '/./auth/me',
      '/auth/x/../../metrics',
      '/auth/%2e%2e/metrics',
      '/auth/..%2fmetrics',
      '/auth/..;/metrics',
      '//metrics',
      '/metrics/',
      '/METRICS',
      '/auth/metrics',
      '/.well-known/../metrics',
      '/%6detrics%00',
      '/%6detrics',
      '/metri%63s',
      'http://evil.example/metrics',
    ])
      trial.expect(path, await target.ask(path), refused);
    const metrics = await target.ask('/metrics');
    if (target.loopback) trial.note('/metrics is not tried on loopback, where no edge stands in front');
    else trial.expect('/metrics from outside', metrics, refused);
    for (const method of ['TRACE', 'PUT', 'PATCH', 'PROPFIND'])
      trial.expect(`${method} /auth/verify`, await target.ask('/auth/verify', {method}), refusedOrClosed);
    const headers = {'x-http-method-override': 'DELETE', 'x-method-override': 'DELETE'};
    trial.expect('a method in a header', await target.ask('/auth/verify', {headers}), unauthorized);
  },
};

export const headerInjection: Attack = {
  name: 'header-injection',
  title: 'CR and LF that would end a header of the answer',
  async run(target, trial) {
    const injected = '%0d%0aX-Injected:%20yes';
    const clean = ({headers}: Answer): boolean => headers['x-injected'] === undefined;
    for (const path of [
      `/auth/start?return_to=/a${injected}`,
      `/auth/start?provider=x${injected}`,
      `/auth/start?return_to=%E5%98%8A%E5%98%8DX-Injected:%20yes`,
      `/auth/account${injected}`,
      `/${injected}`,
      `/auth/sessions/x${injected}`,
    ])
      trial.expect(path, await target.ask(path), (answer) => clean(answer) && answer.status < 500);
    const headers = {
      'x-request-id': 'a\nX-Injected: yes'.replace('\n', '%0a'),
      origin: `${EVIL}%0d%0aX-Injected: yes`,
    };
    trial.expect('in X-Request-Id and Origin', await target.ask('/auth/verify', {headers}), clean);
  },
};

export const hostileBodies: Attack = {
  name: 'hostile-bodies',
  title: 'bodies and headers that are too large, too deep or not what they say',
  async run(target, trial) {
    const post = (body: string, headers: Record<string, string> = JSON_TYPE): Promise<Answer> =>
      target.ask('/auth/refresh', {method: 'POST', headers, body});
    const attempts: [string, () => Promise<Answer>][] = [
      ['a body of 80 KiB', () => post(JSON.stringify({refresh_token: 'A'.repeat(80 * 1024)}))],
      ['a refresh token of 5 KiB', () => post(JSON.stringify({refresh_token: 'A'.repeat(5 * 1024)}))],
      ['10,000 brackets', () => post('['.repeat(10_000))],
      ['__proto__', () => post('{"__proto__":{"refresh_token":"x"}}')],
      ['constructor.prototype', () => post('{"constructor":{"prototype":{"refresh_token":"x"}}}')],
      ['a number for a token', () => post('{"refresh_token":1}')],
      ['a list for a token', () => post('{"refresh_token":["x"]}')],
      ['an object for a token', () => post('{"refresh_token":{"$ne":null}}')],
      ['a token with a NUL', () => post(String.raw`{"refresh_token":"a\u0000b"}`)],
      ['no JSON', () => post('{')],
      ['nothing', () => post('')],
      ['bytes that are no UTF-8', () => post('{"refresh_token":"\u00ff\u00fe"}')],
      [
        'XML',
        () =>
          post('<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><x>&e;</x>', {
            'content-type': 'application/xml',
          }),
      ],
      ['JSON as plain text', () => post('{"refresh_token":"x"}', {'content-type': 'text/plain'})],
      ['compressed', () => post('\u001f\u008b\b\0', {...JSON_TYPE, 'content-encoding': 'gzip'})],
      ['headers of 20 KiB', () => target.ask('/auth/verify', {headers: {'x-large': 'a'.repeat(20 * 1024)}})],
      ['an address of 20 KiB', () => target.ask(`/auth/start?return_to=/${'a'.repeat(20 * 1024)}`)],
      ['2,000 cookies', () => target.ask('/auth/verify', {headers: {cookie: 'a=b; '.repeat(2000)}})],
      ['SQL for a provider', () => target.ask('/auth/start?provider=%27%20OR%201%3D1--')],
      ['SQL for a session', () => target.ask('/auth/sessions/%27%20OR%201%3D1--', {method: 'DELETE'})],
    ];
    for (const [what, ask] of attempts) trial.expect(what, await ask(), refusedOrClosed);
    trial.expect('and it lives', await target.ask('/health/live'), ({status}) => status > 0 && status < 500);
  },
};

export const crossOrigin: Attack = {
  name: 'cross-origin',
  title: 'what a page of another site may do with the cookie, and read',
  async run(target, trial) {
    const cookie = `fraiseql-session=${MADE_UP}; __Host-fraiseql-session=${MADE_UP}`;
    for (const headers of [
      {origin: EVIL},
      {origin: 'null'},
      {origin: EVIL, 'sec-fetch-site': 'cross-site'},
      {'sec-fetch-site': 'cross-site'},
      {'sec-fetch-site': 'same-site'},
      {origin: `${target.url.origin}.evil.example`},
    ] as Record<string, string>[]) {
      const answer = await target.ask('/auth/logout', {
        method: 'POST',
        headers: {cookie, ...JSON_TYPE, ...headers},
        body: '{}',
      });
      trial.expect(`logout, ${JSON.stringify(headers)}`, answer, ({status}) => status === 403);
    }
    for (const origin of [EVIL, 'null', `${target.url.origin}.evil.example`]) {
      const preflight = {origin, 'access-control-request-method': 'POST'};
      for (const [method, headers] of [
        ['OPTIONS', preflight],
        ['GET', {origin}],
      ] as const) {
        const answer = await target.ask('/auth/me', {method, headers});
        trial.expect(
          `${method} /auth/me from ${origin}`,
          answer,
          (given) => given.headers['access-control-allow-origin'] === undefined,
        );
      }
    }
    const page = await target.ask('/auth/signed-out', {headers: {accept: 'text/html'}});
    trial.expect('a page in a frame', page, ({headers}) =>
      /frame-ancestors 'none'/.test(headers['content-security-policy'] ?? ''),
    );
    trial.expect('a page without scripts of others', page, ({headers}) =>
      /default-src 'none'/.test(headers['content-security-policy'] ?? ''),
    );
    trial.expect(
      'a type that is guessed',
      page,
      ({headers}) => headers['x-content-type-options'] === 'nosniff',
    );
    trial.expect('an answer that is kept', await target.ask('/auth/me'), ({headers}) =>
      /no-store/.test(headers['cache-control'] ?? ''),
    );
  },
};
