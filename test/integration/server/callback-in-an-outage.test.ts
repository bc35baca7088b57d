// The database is away when the provider sends the browser back: the person reloads, and is signed in.
import {afterAll, beforeAll, expect, it} from 'vitest';
import type {RunningServer} from '../../../src/server/server.ts';
import {
  begin,
  browserOf,
  closeTheWorld,
  cutOffServer,
  HOME,
  theWorld,
} from '../../support/server/auth-server.ts';
import type {FaultProxy} from '../../support/fault-proxy.ts';
import {until} from '../../support/server/stack.ts';

let network: FaultProxy;
let server: RunningServer;
beforeAll(async () => {
  ({server, network} = await cutOffServer());
});
afterAll(closeTheWorld);

it('a callback that is answered 503 leaves the login as it was', async () => {
  const {op} = await theWorld();
  const browser = browserOf(server);
  const back = op.redirect(await begin(browser, server, {return_to: '/app'}));
  const bound = await browser.jar.getCookieString(HOME);
  expect(bound).toContain('fraiseql-login-');

  network.refuse(true);
  network.reset();
  expect((await browser.visit(back)).status).toBe(503);
  expect(await browser.jar.getCookieString(HOME)).toBe(bound);
  await until('the outage is seen', () => server.services.health.database.state === 'down');
  network.refuse(false);
  await until('the database is back', () => server.services.health.database.state === 'up');
  const answer = await browser.visit(back);
  expect([answer.status, answer.location?.pathname]).toEqual([303, '/app']);
  expect(await browser.jar.getCookieString(HOME)).not.toContain('fraiseql-login-');
});

it('one that is refused for good ends the login', async () => {
  const {op} = await theWorld();
  const browser = browserOf(server);
  const back = op.redirect(await begin(browser, server, {return_to: '/app'}), {error: 'access_denied'});
  expect((await browser.visit(back)).status).toBe(401);
  expect(await browser.jar.getCookieString(HOME)).toBe('');
});
