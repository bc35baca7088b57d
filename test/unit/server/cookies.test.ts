import {describe, expect, it} from 'vitest';
import {Cookies, readCookie} from '../../../src/server/http/cookies.ts';
import {trustedProxies} from '../../../src/server/http/proxies.ts';

const VALUE = 'A'.repeat(43);

describe('cookies', () => {
  it('have the __Host- prefix and its attributes on https (RFC 6265bis 4.1.3.2)', () => {
    const cookies = new Cookies('https://auth.example.com');
    expect(cookies.set(cookies.sessionName, VALUE, 60.9)).toBe(
      `__Host-fraiseql-session=${VALUE}; Path=/; Max-Age=60; HttpOnly; SameSite=Lax; Secure`,
    );
    expect(cookies.bindingName('state')).toMatch(/^__Host-fraiseql-login-[0-9a-f]{16}$/);
  });

  it('have neither on http, where browsers refuse them', () => {
    const cookies = new Cookies('http://localhost:8000');
    expect(cookies.set(cookies.sessionName, VALUE, 60)).toBe(
      `fraiseql-session=${VALUE}; Path=/; Max-Age=60; HttpOnly; SameSite=Lax`,
    );
  });

  it('of two logins have two names, which tell nothing of the state', () => {
    const cookies = new Cookies('https://auth.example.com');
    expect(cookies.bindingName('one')).not.toBe(cookies.bindingName('two'));
    expect(cookies.bindingName('one-state')).not.toContain('one');
  });

  it('of the oldest logins are removed where there are more than ten', () => {
    const cookies = new Cookies('https://auth.example.com');
    const names = Array.from({length: 30}, (_, n) => cookies.bindingName(`state-${n}`));
    const header = (count: number): string =>
      [cookies.sessionName, ...names.slice(0, count), '__Host-fraiseql-login-<script>']
        .map((name) => `${name}=${VALUE}`)
        .join('; ');
    const set = cookies.set(cookies.bindingName('new'), VALUE, 600);
    const bound = (count: number): string[] => cookies.bind('new', VALUE, 600, header(count));
    expect(cookies.bind('new', VALUE, 600, undefined)).toEqual([set]);
    expect(bound(9)).toEqual([set]);
    expect(bound(10)).toEqual([set, cookies.clear(names[0] ?? '')]);
    // No more of them in one answer than a proxy can read.
    expect(bound(30)).toEqual([set, ...names.slice(0, 10).map((name) => cookies.clear(name))]);
    // The same login again is no other one.
    expect(cookies.bind('state-0', VALUE, 600, header(10))).toHaveLength(1);
  });

  it('are read by their whole name, and only where they look like ours', () => {
    expect(readCookie(`a=b; session=${VALUE}; c=d`, 'session')).toBe(VALUE);
    expect(readCookie(`xsession=${VALUE}`, 'session')).toBeUndefined();
    expect(readCookie(`session=${VALUE}x`, 'session')).toBeUndefined();
    expect(readCookie('session', 'session')).toBeUndefined();
    expect(readCookie(undefined, 'session')).toBeUndefined();
  });
});

describe('a trusted proxy', () => {
  const trusted = trustedProxies(['10.0.0.0/8', '192.0.2.7', 'fd00::/8', '2001:db8::1']);
  it.each(['10.255.0.1', '192.0.2.7', 'fd12::1', '2001:db8::1', '::ffff:10.0.0.1'])('is %s', (address) => {
    expect(trusted(address)).toBe(true);
  });
  it.each(['11.0.0.1', '192.0.2.8', 'fe80::1', '2001:db8::2', '', 'unknown', '10.0.0.1, 1.1.1.1'])(
    'is not %j',
    (address) => {
      expect(trusted(address)).toBe(false);
    },
  );
  it('is nobody where none is named', () => {
    expect(trustedProxies([])('127.0.0.1')).toBe(false);
  });
});
