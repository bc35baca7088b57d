import {describe, expect, it} from 'vitest';
import {holdSession} from '../../support/server/sessions.ts';
import {HOME, refresh, someone} from '../../support/server/auth-server.ts';
import {gatewayServer, introspect} from '../support/gateway.ts';

const server = await gatewayServer();

describe('RFC 7662 2.2: a good token is described; of any other is said only that it is not active', () => {
  it('an access token by its claims', async () => {
    const held = await holdSession(server, {subject: someone()});
    expect(await introspect(held.access)).toEqual({
      active: true,
      token_type: 'Bearer',
      iss: HOME,
      aud: HOME,
      client_id: 'fraiseql',
      sub: held.userId,
      sid: held.id,
      jti: expect.any(String),
      iat: expect.any(Number),
      exp: expect.any(Number),
    });
  });

  it('the current refresh token; one that was exchanged is not active', async () => {
    const held = await holdSession(server, {subject: someone()});
    expect(await introspect(held.refresh)).toMatchObject({active: true, sub: held.userId, sid: held.id});
    await refresh(server, held.refresh);
    expect(await introspect(held.refresh)).toEqual({active: false});
  });

  it.each(['unknown', 'a.b.c', 'x'.repeat(43), '..'])('%s is not', async (token) => {
    expect(await introspect(token)).toEqual({active: false});
  });
});
