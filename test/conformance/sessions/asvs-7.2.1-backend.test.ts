import {describe, expect, it} from 'vitest';
import {holdSession} from '../../support/server/sessions.ts';
import {authServer, someone, statusOf} from '../../support/server/auth-server.ts';

describe('OWASP ASVS 7.2.1: a session is checked here, not by what the client says of it', () => {
  it('a token whose signature and time are good is refused when its session has ended', async () => {
    const server = await authServer();
    const held = await holdSession(server, {subject: someone()});
    expect(await statusOf(server, held.access)).toBe(200);
    await server.services.sessions.revoke(held.id);
    expect(await statusOf(server, held.access)).toBe(401);
  });

  it('headers that say who somebody is count for nothing', async () => {
    const server = await authServer();
    const headers = {'x-auth-request-user': 'admin', 'x-auth-request-email': 'admin@example.com'};
    const answer = await fetch(`${server.url}/auth/verify`, {headers});
    expect([answer.status, answer.headers.get('x-auth-request-user')]).toEqual([401, null]);
  });
});
