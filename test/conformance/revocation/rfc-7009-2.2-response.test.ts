import {describe, expect, it} from 'vitest';
import {holdSession, postForm} from '../../support/server/sessions.ts';
import {authServer, someone} from '../../support/server/auth-server.ts';

const server = await authServer();

describe('RFC 7009 2.2: a token that is not known is as good as revoked: 200', () => {
  it.each(['unknown', 'a.b.c', 'x'.repeat(43), '..', "' OR true --"])('%s', async (token) => {
    const answer = await postForm(server, '/auth/revoke', {token});
    expect([answer.status, await answer.text()]).toEqual([200, '']);
    expect(answer.headers.get('cache-control')).toBe('no-store');
  });

  it('one that was revoked before', async () => {
    const held = await holdSession(server, {subject: someone()});
    for (let round = 0; round < 2; round++)
      expect((await postForm(server, '/auth/revoke', {token: held.refresh})).status).toBe(200);
  });
});
