import {describe, expect, it} from 'vitest';
import {holdSession, postForm, verifyStatus} from '../../support/server/sessions.ts';
import {authServer, refresh, someone, theWorld} from '../../support/server/auth-server.ts';

const [a, b] = await Promise.all([authServer(), authServer({}, 2)]);

describe('RFC 7009 2.1: refresh and access tokens can be revoked, and with them all of their session', () => {
  it.each(['refresh', 'access'] as const)('a %s token, on every replica', async (kind) => {
    const held = await holdSession(a, {subject: someone()});
    expect([await verifyStatus(a, held), await verifyStatus(b, held)]).toEqual([200, 200]);
    const answer = await postForm(a, '/auth/revoke', {token: held[kind]});
    expect([answer.status, await answer.text()]).toEqual([200, '']);
    expect(await verifyStatus(a, held)).toBe(401);
    await expect.poll(() => verifyStatus(b, held), {timeout: 1_000, interval: 20}).toBe(401);
    expect((await refresh(b, held.refresh)).status).toBe(401);
    const {servers} = await theWorld();
    expect(servers.audit().find((entry) => entry['session'] === held.id)).toMatchObject({
      event: 'session_revoked',
      reason: 'token_revoked',
    });
  });

  it('that session and no other of the user', async () => {
    const subject = someone();
    const [one, other] = [await holdSession(a, {subject}), await holdSession(a, {subject})];
    await postForm(a, '/auth/revoke', {token: one.refresh});
    expect([await verifyStatus(a, one), await verifyStatus(a, other)]).toEqual([401, 200]);
  });

  it.each(['access_token', 'refresh_token', 'something-else'])(
    'whatever token_type_hint says: %s',
    async (hint) => {
      for (const kind of ['refresh', 'access'] as const) {
        const held = await holdSession(a, {subject: someone()});
        const answer = await postForm(a, '/auth/revoke', {token: held[kind], token_type_hint: hint});
        expect([answer.status, await verifyStatus(a, held)]).toEqual([200, 401]);
      }
    },
  );

  it('also one that was exchanged already: its session is the one that is meant', async () => {
    const held = await holdSession(a, {subject: someone()});
    await refresh(a, held.refresh);
    await postForm(a, '/auth/revoke', {token: held.refresh});
    expect(await verifyStatus(a, held)).toBe(401);
  });
});
