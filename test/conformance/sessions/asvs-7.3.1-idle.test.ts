import {describe, expect, it} from 'vitest';
import {holdSession} from '../../support/server/sessions.ts';
import {authServer, refresh, someone, statusOf, theWorld} from '../../support/server/auth-server.ts';

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
    await database.asSuperuser(
      `UPDATE _system.session_details SET idle_expires_at = now() - interval '1 s' WHERE session_id = '${held.id}'`,
    );
    await expect.poll(() => statusOf(server, held.access), {timeout: 2_000}).toBe(401);
    expect((await refresh(server, held.refresh)).status).toBe(401);
  });
});
