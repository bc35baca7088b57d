import {describe, expect, it} from 'vitest';
import {authServer, theWorld} from '../../support/server/auth-server.ts';

/** The address that the audit trail has of a login begun with these headers. */
async function addressOf(trusted: string, headers: Record<string, string>): Promise<unknown> {
  const server = await authServer({TRUSTED_PROXIES: trusted});
  const {servers} = await theWorld();
  const answer = await fetch(`${server.url}/auth/start`, {method: 'POST', headers});
  expect(answer.status).toBe(200);
  const id = answer.headers.get('x-request-id');
  return servers.audit().find(({requestId}) => requestId === id)?.['address'];
}

describe('RFC 9700 4.13: headers of a TLS-terminating proxy are believed from the proxies that are named alone', () => {
  const forwarded = {'x-forwarded-for': '198.51.100.7'};

  it('believes a proxy that is named, and of what it passes on only the last address that is none', async () => {
    expect(await addressOf('127.0.0.1', forwarded)).toBe('198.51.100.7');
    expect(await addressOf('127.0.0.1', {'x-forwarded-for': '203.0.113.9, 198.51.100.7'})).toBe(
      '198.51.100.7',
    );
  });

  it('believes nobody else', async () => {
    expect(await addressOf('10.0.0.0/8', forwarded)).toBe('127.0.0.1');
    expect(await addressOf('', forwarded)).toBe('127.0.0.1');
  });

  it('takes no other header for the address, and none for the scheme or the host', async () => {
    const made = {forwarded: 'for=198.51.100.7', 'x-real-ip': '198.51.100.7', 'x-client-ip': '198.51.100.7'};
    expect(await addressOf('127.0.0.1', made)).toBe('127.0.0.1');
    const server = await authServer({TRUSTED_PROXIES: '127.0.0.1'});
    const answer = await fetch(`${server.url}/auth/start`, {
      redirect: 'manual',
      headers: {'x-forwarded-proto': 'http', 'x-forwarded-host': 'evil.example'},
    });
    expect(answer.headers.get('set-cookie')).toMatch(/^__Host-.*; Secure$/);
    const redirectUri = new URL(answer.headers.get('location') ?? '').searchParams.get('redirect_uri');
    expect(redirectUri).toBe('https://auth.example.com/auth/callback');
  });
});
