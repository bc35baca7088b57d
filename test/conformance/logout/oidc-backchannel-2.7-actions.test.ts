import {describe, expect, it} from 'vitest';
import {holdSession, verifyStatus} from '../../support/server/sessions.ts';
import type {Tokens} from '../../support/login.ts';
import {authServer, refresh, someone, statusOf, theWorld, visit} from '../../support/server/auth-server.ts';
import {logoutToken, send, upstream} from '../../support/server/backchannel.ts';

const [a, b] = await Promise.all([authServer(), authServer({}, 2)]);

describe('OpenID Connect Back-Channel Logout 2.7: sid ends the sessions that came of it, sub all of the user', () => {
  it('with sid those alone, on every replica within a second, and their refresh tokens', async () => {
    const {held, subject, sid} = await upstream(a);
    const {held: other} = await upstream(a, subject);
    expect(await verifyStatus(b, held)).toBe(200);
    expect((await send(await logoutToken({sid}))).status).toBe(200);
    await expect.poll(() => verifyStatus(b, held), {timeout: 1_000, interval: 20}).toBe(401);
    expect(await verifyStatus(b, other)).toBe(200);
    expect((await refresh(b, held.refresh)).status).toBe(401);
  });

  it('with sub every one of that user at that provider, and at no other', async () => {
    const {held, subject} = await upstream(a);
    const {held: second} = await upstream(a, subject);
    const elsewhere = await holdSession(a, {issuer: 'https://other.example.com', subject});
    await send(await logoutToken({sub: subject}));
    expect(await Promise.all([held, second, elsewhere].map((one) => verifyStatus(a, one)))).toEqual([
      401, 401, 200,
    ]);
  });

  it('with both the session, if it is that user’s; and those whose provider session is not known', async () => {
    const {held, subject, sid} = await upstream(a);
    const {op} = await theWorld();
    const unknown = await holdSession(a, {issuer: op.issuer, subject});
    await send(await logoutToken({sub: 'somebody-else', sid}));
    expect(await verifyStatus(a, held)).toBe(200);
    await send(await logoutToken({sub: subject, sid}));
    expect([await verifyStatus(a, held), await verifyStatus(a, unknown)]).toEqual([401, 401]);
  });

  it('one that a login made: the ID token’s sid is kept (2.1)', async () => {
    const sid = someone();
    const {answer} = await visit(a, {claims: {sub: someone(), sid}});
    const {access_token: access} = JSON.parse(answer.body) as Tokens;
    expect(await statusOf(a, access)).toBe(200);
    await send(await logoutToken({sid}));
    expect(await statusOf(a, access)).toBe(401);
  });
});
