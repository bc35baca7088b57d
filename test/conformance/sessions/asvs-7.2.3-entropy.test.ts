import {describe, expect, it} from 'vitest';
import {holdSession} from '../../support/server/sessions.ts';
import {dumpTables, standsIn} from '../../support/tables.ts';
import {
  authServer,
  begin,
  browserOf,
  someone,
  theWorld,
  visit,
  type Visit,
} from '../../support/server/auth-server.ts';

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

const cookieOf = ({headers}: Visit['answer']): string =>
  /__Host-fraiseql-session=([^;]+)/.exec(headers['set-cookie'] ?? '')?.[1] ?? '';

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
    expect(cookieOf(answer)).toMatch(SECRET);
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
    const {answer} = await visit(server, {claims: {sub: someone()}}, {return_to: '/app'});
    const asked = await begin(browserOf(server), server);
    const secrets = {
      'refresh token': held.refresh,
      cookie: cookieOf(answer),
      state: asked.searchParams.get('state') ?? '',
      nonce: asked.searchParams.get('nonce') ?? '',
    };
    const tables = await dumpTables((await theWorld()).database);
    expect(tables).toContain(held.id);
    for (const secret of Object.values(secrets)) expect(secret).toMatch(SECRET);
    const stored = Object.entries(secrets).filter(([, secret]) => standsIn(secret, tables));
    expect(stored.map(([name]) => name)).toEqual([]);
  });
});
