import {describe, expect, it} from 'vitest';
import {holdSession} from '../../integration/server/support/sessions.ts';
import {authServer, begin, browserOf, someone, visit} from '../support/auth-server.ts';

const SECRET = /^[A-Za-z0-9_-]{43}$/;

/** How many of the bits of 32 random bytes are set on the average: 128, and by chance seldom off by more than a few. */
function meanOfBits(secrets: readonly string[]): number {
  const ones = secrets.map((secret) =>
    [...Buffer.from(secret, 'base64url')].reduce(
      (sum, byte) => sum + byte.toString(2).replaceAll('0', '').length,
      0,
    ),
  );
  return ones.reduce((sum, one) => sum + one, 0) / ones.length;
}

describe('OWASP ASVS 7.2.3: refresh tokens, cookies and states are 256 random bits, each another', () => {
  it('refresh tokens', async () => {
    const server = await authServer();
    const tokens = await Promise.all(
      Array.from({length: 100}, async () => (await holdSession(server, {subject: someone()})).refresh),
    );
    for (const token of tokens) expect(token).toMatch(SECRET);
    expect(new Set(tokens).size).toBe(100);
    expect(Math.abs(meanOfBits(tokens) - 128)).toBeLessThan(6);
  });

  it('session cookies', async () => {
    const server = await authServer();
    const {answer} = await visit(server, {claims: {sub: someone()}}, {return_to: '/app'});
    const [, value] = /__Host-fraiseql-session=([^;]+)/.exec(answer.headers['set-cookie'] ?? '') ?? [];
    expect(value).toMatch(SECRET);
  });

  it('states and nonces', async () => {
    const server = await authServer();
    const asked = await Promise.all(Array.from({length: 20}, () => begin(browserOf(server), server)));
    for (const name of ['state', 'nonce', 'code_challenge']) {
      const values = asked.map((url) => url.searchParams.get(name) ?? '');
      for (const value of values) expect(value).toMatch(SECRET);
      expect(new Set(values).size).toBe(20);
    }
  });

  it('the database holds none of them', async () => {
    const server = await authServer();
    const held = await holdSession(server, {subject: someone()});
    expect(await server.services.sessions.find(held.refresh)).toBeUndefined();
    const listed = await server.services.sessions.ofUser(held.userId);
    expect(JSON.stringify(listed)).not.toContain(held.refresh);
  });
});
