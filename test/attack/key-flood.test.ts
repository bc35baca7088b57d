// Tokens with a new unknown kid each, by which a stranger would make the server ask the provider's keys again and again.
// The provider is this file's own: nobody else asks it for keys.
import {randomUUID} from 'node:crypto';
import {performance} from 'node:perf_hooks';
import {SignJWT} from 'jose';
import {afterAll, beforeAll, expect, it} from 'vitest';
import type {RunningServer} from '../../src/server/server.ts';
import {startHostileProvider, type HostileProvider} from '../support/server/hostile-provider.ts';
import {holdSession} from '../support/server/sessions.ts';
import {until} from '../support/server/stack.ts';
import {begin, browserOf, CLIENT, HOME, someone, theWorld} from '../support/server/auth-server.ts';
import {claims, logoutToken, send} from '../support/server/backchannel.ts';

let op: HostileProvider;
let server: RunningServer;
beforeAll(async () => {
  op = await startHostileProvider(CLIENT, 'a client secret that is long enough');
  const {servers} = await theWorld();
  const env = {
    OIDC_ISSUER_URL: op.issuer,
    OIDC_CLIENT_SECRET: op.clientSecret,
    OAUTH_REDIRECT_URI: `${HOME}/auth/callback`,
  };
  // It asks for the keys when it starts, and else only where it is made to.
  server = await servers.server(env, {intervals: {providerGoodMs: 600_000}});
  await until('the keys', () => fetches() > 0);
});
afterAll(async () => {
  await server.stop(0);
  await op.close();
});

const fetches = (): number => op.requests.filter((path) => path === '/jwks').length;

async function unknown(): Promise<number> {
  const token = await new SignJWT(await claims({iss: op.issuer, sub: 'x'}))
    .setProtectedHeader({alg: 'RS256', typ: 'logout+jwt', kid: randomUUID()})
    .sign(op.key);
  return (await send(token, server)).status;
}

it('a burst of 100 from anybody costs one fetch, and so does all that comes in a second', async () => {
  const before = fetches();
  const began = performance.now();
  const statuses = await Promise.all(Array.from({length: 100}, unknown));
  for (let n = 0; n < 20; n++) statuses.push(await unknown());
  const seconds = (performance.now() - began) / 1000;
  expect(new Set(statuses)).toEqual(new Set([400]));
  const cost = fetches() - before;
  expect(cost).toBeGreaterThanOrEqual(1);
  expect(cost).toBeLessThanOrEqual(1 + Math.floor(seconds));
});

it('and meanwhile logins and logouts go on', async () => {
  const subject = someone();
  const held = await holdSession(server, {issuer: op.issuer, subject, providerSession: randomUUID()});
  const flood = Promise.all(Array.from({length: 50}, unknown));
  const browser = browserOf(server);
  const login = await browser.visit(op.redirect(await begin(browser, server)));
  const logout = await send(await logoutToken({iss: op.issuer, sub: subject}), server);
  expect([login.status, logout.status]).toEqual([200, 200]);
  expect(new Set(await flood)).toEqual(new Set([400]));
  const headers = {authorization: `Bearer ${held.access}`};
  expect((await fetch(`${server.url}/auth/verify`, {headers})).status).toBe(401);
});
