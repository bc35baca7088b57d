import {describe, expect, it} from 'vitest';
import {randomBytes} from 'node:crypto';
import {holdSession, postForm, verifyStatus} from '../../support/server/sessions.ts';
import {authServer, someone} from '../../support/server/auth-server.ts';

const server = await authServer();

describe('RFC 7009 5: who guesses tokens learns nothing, and ends nothing', () => {
  it('a guess is answered as a hit is', async () => {
    const held = await holdSession(server, {subject: someone()});
    const told = async (token: string): Promise<unknown> => {
      const answer = await postForm(server, '/auth/revoke', {token});
      const {date: _date, 'x-request-id': _id, ...headers} = Object.fromEntries(answer.headers);
      return [answer.status, headers, await answer.text()];
    };
    const miss = await told(randomBytes(32).toString('base64url'));
    expect(await verifyStatus(server, held)).toBe(200);
    expect(await told(held.refresh)).toEqual(miss);
    expect(await told(held.refresh)).toEqual(miss);
  });

  it('a part of a token, another case, or its hash is no token', async () => {
    const {createHash} = await import('node:crypto');
    const held = await holdSession(server, {subject: someone()});
    for (const token of [
      held.refresh.slice(0, -1),
      `${held.refresh}A`,
      createHash('sha256').update(held.refresh).digest('hex'),
      held.id,
    ])
      expect((await postForm(server, '/auth/revoke', {token})).status).toBe(200);
    expect(await verifyStatus(server, held)).toBe(200);
  });
});
