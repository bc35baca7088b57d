import {describe, expect, it} from 'vitest';
import {holdSession, postForm, verifyStatus} from '../../support/server/sessions.ts';
import {authServer, someone} from '../../support/server/auth-server.ts';

const server = await authServer({
  INTROSPECTION_CLIENT_ID: 'gateway',
  INTROSPECTION_CLIENT_SECRET: 'a secret of the gateway',
});
const basic = (secret: string): Record<string, string> => ({
  authorization: `Basic ${Buffer.from(`gateway:${secret}`).toString('base64')}`,
});

describe('RFC 7009 2.1: a client that authenticates must do so rightly; public clients need not', () => {
  it('a wrong secret is a 401 invalid_client and changes nothing', async () => {
    const held = await holdSession(server, {subject: someone()});
    const refused = await postForm(server, '/auth/revoke', {token: held.refresh}, basic('wrong'));
    expect(refused.status).toBe(401);
    expect(refused.headers.get('www-authenticate')).toMatch(/^Basic /);
    expect(await refused.json()).toMatchObject({error: 'invalid_client'});
    expect(await verifyStatus(server, held)).toBe(200);
  });

  it('the right one, and none, are taken', async () => {
    for (const headers of [basic(encodeURIComponent('a secret of the gateway')), {}]) {
      const held = await holdSession(server, {subject: someone()});
      const answer = await postForm(server, '/auth/revoke', {token: held.refresh}, headers);
      expect([answer.status, await verifyStatus(server, held)]).toEqual([200, 401]);
    }
  });
});
