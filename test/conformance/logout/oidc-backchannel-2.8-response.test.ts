import {describe, expect, it} from 'vitest';
import {verifyStatus} from '../../support/server/sessions.ts';
import {authServer} from '../../support/server/auth-server.ts';
import {logoutToken, send, upstream} from '../../support/server/backchannel.ts';

const server = await authServer();

describe('OpenID Connect Back-Channel Logout 2.8: 200 where all is ended, also if nothing was; never stored', () => {
  it('a session that is not ours, or ended before', async () => {
    const {held, sid} = await upstream(server);
    for (const which of [sid, sid, 'unknown']) {
      const answer = await send(await logoutToken({sid: which}));
      expect([answer.status, answer.headers.get('cache-control')]).toEqual([200, 'no-store']);
    }
    expect(await verifyStatus(server, held)).toBe(401);
  });
});
