import {describe, expect, it} from 'vitest';
import {decodeJwt} from 'jose';
import {holdSession} from '../../support/server/sessions.ts';
import type {Tokens} from '../../support/login.ts';
import {authServer, refresh, someone, statusOf, theWorld} from '../../support/server/auth-server.ts';

describe('OWASP ASVS 7.3.2: a session ends at its absolute limit, however much it is used', () => {
  it('no refresh moves its end, and no access token outlives it', async () => {
    const server = await authServer({REFRESH_TOKEN_TTL: '600', SESSION_TIMEOUT_MINUTES: '60'});
    const held = await holdSession(server, {subject: someone()});
    const end = (await server.services.sessions.find(held.id))?.session.expiresAt ?? 0;
    expect(Math.abs(end - Date.now() / 1000 - 600)).toBeLessThan(5);
    const next = (await (await refresh(server, held.refresh)).json()) as Tokens;
    expect((await server.services.sessions.find(held.id))?.session.expiresAt).toBe(end);
    expect(decodeJwt(next.access_token).exp).toBeLessThanOrEqual(end);
    expect(next.expires_in).toBeLessThanOrEqual(600);
  });

  it('past it nothing of the session is taken', async () => {
    const server = await authServer();
    const held = await holdSession(server, {subject: someone()});
    const {database} = await theWorld();
    await database.asSuperuser(`UPDATE _system.sessions SET expires_at = 1 WHERE id = '${held.id}'`);
    await expect.poll(() => statusOf(server, held.access), {timeout: 2_000}).toBe(401);
    expect((await refresh(server, held.refresh)).status).toBe(401);
  });
});
