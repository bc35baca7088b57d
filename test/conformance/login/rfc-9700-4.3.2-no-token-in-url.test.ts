import {describe, expect, it} from 'vitest';
import {holdSession} from '../../support/server/sessions.ts';
import {authServer, HOME, someone, visit} from '../../support/server/auth-server.ts';

describe('RFC 9700 4.3.2: no token stands in an address, and none is taken from one', () => {
  it.each(['/auth/verify', '/auth/me', '/auth/sessions'])('%s?access_token', async (path) => {
    const server = await authServer();
    const held = await holdSession(server, {subject: someone()});
    const answer = await fetch(`${server.url}${path}?access_token=${held.access}`);
    expect(answer.status).toBe(401);
  });

  it.each(['/auth/refresh', '/auth/logout', '/auth/revoke'])('%s?refresh_token and token', async (path) => {
    const server = await authServer();
    const held = await holdSession(server, {subject: someone()});
    await fetch(`${server.url}${path}?refresh_token=${held.refresh}&token=${held.refresh}`, {method: 'POST'});
    expect(await server.services.sessions.byCurrentToken(held.refresh)).toMatchObject({id: held.id});
  });

  it('a browser comes back from a login with neither code, state nor token in the address', async () => {
    const server = await authServer();
    const {answer} = await visit(server, {claims: {sub: someone()}}, {return_to: '/app?x=1'});
    expect(answer.location?.href).toBe(`${HOME}/app?x=1`);
    expect(answer.body).toBe('');
  });
});
