// A page of another site that would keep its visitors, and with them everybody at their address, out of logging in.
import {beforeAll, expect, it} from 'vitest';
import type {RunningServer} from '../../src/server/server.ts';
import {authServer, begin, browserOf, HOME, theWorld} from '../support/server/auth-server.ts';

let server: RunningServer;
beforeAll(async () => {
  server = await authServer({RATE_LIMITS: 'On'});
});

it('images of /auth/callback with a made-up state count as nobody’s failed login', async () => {
  const victim = browserOf(server);
  for (let n = 0; n < 20; n++)
    expect((await victim.visit(`${HOME}/auth/callback?state=made-up-${n}&code=y`)).status).toBe(400);
  const {op} = await theWorld();
  const answer = await victim.visit(op.redirect(await begin(victim, server)));
  expect(answer.status).toBe(200);
});

it('nor does the state of a login that another browser began', async () => {
  const {op} = await theWorld();
  const [attacker, victim] = [browserOf(server), browserOf(server)];
  for (let n = 0; n < 8; n++)
    expect((await victim.visit(op.redirect(await begin(attacker, server)))).status).toBe(400);
  expect((await victim.visit(op.redirect(await begin(victim, server)))).status).toBe(200);
});
