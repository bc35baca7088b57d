import {describe, expect, it} from 'vitest';
import {holdSession, verifyStatus} from '../../support/server/sessions.ts';
import {authServer, someone} from '../../support/server/auth-server.ts';

const server = await authServer();

describe('RFC 7009 2: a revocation is a POST of a form, and nothing else revokes', () => {
  it.each(['GET', 'PUT', 'DELETE', 'HEAD'])('%s is answered with 405', async (method) => {
    const held = await holdSession(server, {subject: someone()});
    const answer = await fetch(`${server.url}/auth/revoke?token=${held.refresh}`, {method});
    expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'POST']);
    expect(await verifyStatus(server, held)).toBe(200);
  });

  it.each(['text/plain', 'multipart/form-data; boundary=x', 'application/xml'])(
    'a body of the type %s is not read',
    async (type) => {
      const held = await holdSession(server, {subject: someone()});
      const answer = await fetch(`${server.url}/auth/revoke`, {
        method: 'POST',
        headers: {'content-type': type},
        body: `token=${held.refresh}`,
      });
      expect(answer.status).toBe(415);
      expect(await verifyStatus(server, held)).toBe(200);
    },
  );

  it('a token beside an empty form, in the address, is not read', async () => {
    const held = await holdSession(server, {subject: someone()});
    const answer = await fetch(`${server.url}/auth/revoke?token=${held.refresh}`, {
      method: 'POST',
      body: new URLSearchParams({token_type_hint: 'refresh_token'}),
    });
    expect([answer.status, await verifyStatus(server, held)]).toEqual([400, 200]);
  });
});
