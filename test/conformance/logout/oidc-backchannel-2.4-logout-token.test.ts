import {describe, expect, it} from 'vitest';
import {verifyStatus} from '../../support/server/sessions.ts';
import {authServer} from '../../support/server/auth-server.ts';
import {logoutToken, send, upstream} from '../../support/server/backchannel.ts';

const server = await authServer();

describe('OpenID Connect Back-Channel Logout 2.4: the type is logout+jwt, or not said, as older providers do', () => {
  it.each<[string | undefined, number]>([
    ['logout+jwt', 200],
    ['application/logout+jwt', 200],
    ['JWT', 200],
    [undefined, 200],
    ['at+jwt', 400],
    ['secevent+jwt', 400],
    ['', 400],
  ])('%s', async (typ, status) => {
    const {held, sid} = await upstream(server);
    expect((await send(await logoutToken({sid}, {typ}))).status).toBe(status);
    expect(await verifyStatus(server, held)).toBe(status === 200 ? 401 : 200);
  });
});
