// What a client writes as if a proxy had: its address, so as to get round the limits or to use up another's; and the
// host and the scheme, so that addresses and cookies of ours become the attacker's.
import {describe, expect, it} from 'vitest';
import {EVIL} from '../../src/attack/login.ts';
import type {RunningServer} from '../../src/server/server.ts';
import {systemClock} from '../../src/support/clock.ts';
import {theWorld} from '../support/server/auth-server.ts';
import {targetOf} from './support/attacked.ts';

/** A server with limits, for which no time passes. It is its own: what one test uses up, another does not miss. */
async function limited(env: Record<string, string> = {}): Promise<RunningServer> {
  const {servers} = await theWorld();
  const clock = {...systemClock, monotonic: () => 1_000};
  return servers.server({RATE_LIMITS: 'On', RATE_LIMIT_LOGOUT_PER_MINUTE: '3', ...env}, {clock});
}

async function logouts(
  server: RunningServer,
  headersOf: (n: number) => Record<string, string>,
): Promise<number[]> {
  const statuses: number[] = [];
  for (let n = 0; n < 5; n++) {
    const answer = await fetch(`${server.url}/auth/logout`, {method: 'POST', headers: headersOf(n)});
    statuses.push(answer.status);
  }
  return statuses;
}

describe('an address that a client made up', () => {
  it.each<[string, (n: number) => Record<string, string>]>([
    ['before that of the proxy', (n) => ({'x-forwarded-for': `198.51.100.${n}, 192.0.2.1`})],
    ['as several', (n) => ({'x-forwarded-for': `198.51.100.${n}, 203.0.113.${n}, 192.0.2.1`})],
    ['as one of the proxies', (n) => ({'x-forwarded-for': `198.51.100.${n}, 127.0.0.${n}, 192.0.2.1`})],
    [
      'in other headers',
      (n) => ({
        'x-forwarded-for': '192.0.2.1',
        'x-real-ip': `198.51.100.${n}`,
        forwarded: `for=198.51.100.${n}`,
        'cf-connecting-ip': `198.51.100.${n}`,
        'true-client-ip': `198.51.100.${n}`,
      }),
    ],
    ['as IPv4 in IPv6', (n) => ({'x-forwarded-for': `2001:db8::${n}, ::ffff:192.0.2.1`})],
    ['as other addresses of the same /64', (n) => ({'x-forwarded-for': `2001:db8:1:2:${n}::${n}`})],
    [
      'in other spellings of one address',
      (n) => ({
        'x-forwarded-for':
          [
            '2001:db8:1:2::1',
            '2001:DB8:1:2::1',
            '2001:0db8:0001:0002::1',
            '2001:db8:1:2:0:0:0:1',
            '2001:db8:1:2::0.0.0.1',
          ][n] ?? '',
      }),
    ],
  ])('%s gets nobody round the limits', async (_name, headersOf) => {
    const server = await limited({TRUSTED_PROXIES: '127.0.0.0/8'});
    expect(await logouts(server, headersOf)).toEqual([204, 204, 204, 429, 429]);
    await server.stop(0);
  });

  it('is not believed at all from where no proxy is trusted', async () => {
    const server = await limited({TRUSTED_PROXIES: '10.0.0.0/8'});
    const statuses = await logouts(server, (n) => ({'x-forwarded-for': `198.51.100.${n}`}));
    expect(statuses).toEqual([204, 204, 204, 429, 429]);
    await server.stop(0);
  });

  it("does not use up another's limit", async () => {
    const server = await limited({TRUSTED_PROXIES: '127.0.0.0/8'});
    await logouts(server, () => ({'x-forwarded-for': '198.51.100.9, 192.0.2.1'}));
    const headers = {'x-forwarded-for': '198.51.100.9'};
    expect((await fetch(`${server.url}/auth/logout`, {method: 'POST', headers})).status).toBe(204);
    await server.stop(0);
  });
});

describe('a host and a scheme that a client made up', () => {
  it.each<Record<string, string>>([
    {host: EVIL},
    {host: `${EVIL}:443`},
    {'x-forwarded-host': EVIL},
    {'x-forwarded-host': EVIL, 'x-forwarded-proto': 'http', 'x-forwarded-port': '80'},
    {forwarded: `for=127.0.0.1;host=${EVIL};proto=http`},
    {'x-original-host': EVIL, 'x-host': EVIL, 'x-forwarded-server': EVIL},
    {'x-original-url': `https://${EVIL}/`, 'x-rewrite-url': `https://${EVIL}/`},
    {'x-forwarded-proto': 'http', 'x-forwarded-ssl': 'off', 'front-end-https': 'off', 'x-url-scheme': 'http'},
  ])('%j stands in no address and takes no protection off a cookie, whoever is trusted', async (headers) => {
    const {op, servers} = await theWorld();
    const server = await servers.server({
      OIDC_CLIENT_SECRET: op.clientSecret,
      OAUTH_REDIRECT_URI: 'https://auth.example.com/auth/callback',
      TRUSTED_PROXIES: '127.0.0.0/8',
    });
    const target = targetOf(server);
    const pages = [
      await target.ask('/auth/start', {headers}),
      await target.ask('/auth/start?return_to=/app', {headers: {...headers, accept: 'text/html'}}),
      await target.ask('/auth/account', {headers: {...headers, accept: 'text/html'}}),
      await target.ask('/auth/callback?state=x&code=x', {headers: {...headers, accept: 'text/html'}}),
      await target.ask('/.well-known/oauth-authorization-server', {headers}),
    ];
    await server.stop(0);
    for (const page of pages) expect(JSON.stringify(page)).not.toContain(EVIL);
    const [start, , , , metadata] = pages;
    const asked = new URL(start?.headers['location'] ?? '');
    expect(asked.searchParams.get('redirect_uri')).toBe('https://auth.example.com/auth/callback');
    expect(start?.headers['set-cookie']).toMatch(/^__Host-.*; HttpOnly; SameSite=Lax; Secure$/);
    expect(start?.headers['strict-transport-security']).toBeDefined();
    expect(metadata?.body).toContain('"issuer":"https://auth.example.com"');
  });
});
