import {describe, expect, it} from 'vitest';
import {holdSession} from '../../support/server/sessions.ts';
import {authServer, refresh, someone, statusOf, theWorld} from '../../support/server/auth-server.ts';

const ENDED = "SET idle_expires_at = now() - interval '1 s'";

describe('OWASP ASVS 7.3.1: a session that nobody used for its idle limit is over', () => {
  it('for the access token as for the refresh token, on whichever replica', async () => {
    const server = await authServer();
    const held = await holdSession(server, {subject: someone()});
    const {database} = await theWorld();
    const {rows} = await database.asSuperuser(
      `SELECT extract(epoch FROM idle_expires_at - now())::int AS left FROM _system.session_details
       WHERE session_id = '${held.id}'`,
    );
    const {idleSeconds} = server.services.configuration.sessions;
    expect(Math.abs((rows as {left: number}[])[0]!.left - idleSeconds)).toBeLessThan(10);
    await database.asSuperuser(`UPDATE _system.session_details ${ENDED} WHERE session_id = '${held.id}'`);
    await expect.poll(() => statusOf(server, held.access), {timeout: 2_000}).toBe(401);
    expect((await refresh(server, held.refresh)).status).toBe(401);
  });

  it('so that its refresh token ends no other session of the user', async () => {
    const server = await authServer();
    const subject = someone();
    const [held, other] = [await holdSession(server, {subject}), await holdSession(server, {subject})];
    const {database} = await theWorld();
    await database.asSuperuser(`UPDATE _system.session_details ${ENDED} WHERE session_id = '${held.id}'`);
    const {status} = await fetch(`${server.url}/auth/logout`, {
      method: 'POST',
      headers: {'content-type': 'application/json'},
      body: JSON.stringify({refresh_token: held.refresh, all: true}),
    });
    expect(status).toBe(204);
    expect((await refresh(server, other.refresh)).status).toBe(200);
  });
});
