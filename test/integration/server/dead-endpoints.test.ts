// The provider's metadata and keys are there, and an endpoint that only logins use does not answer.
import type {ServerResponse} from 'node:http';
import {afterEach, beforeEach, expect, it} from 'vitest';
import type {RunningServer} from '../../../src/server/server.ts';
import {begin, browserOf, CLIENT, HOME, theWorld} from '../../support/server/auth-server.ts';
import {startHostileProvider, type HostileProvider} from '../../support/server/hostile-provider.ts';
import {metricsOf} from '../../support/server/metrics.ts';
import {until} from '../../support/server/stack.ts';

let op: HostileProvider;
let server: RunningServer;
beforeEach(async () => {
  op = await startHostileProvider(CLIENT, 'a client secret that is long enough');
  const {servers} = await theWorld();
  server = await servers.server({
    OIDC_ISSUER_URL: op.issuer,
    OIDC_CLIENT_SECRET: op.clientSecret,
    OAUTH_REDIRECT_URI: `${HOME}/auth/callback`,
  });
  await until('the provider', async () => (await health()).auth === 'healthy');
});
afterEach(async () => {
  await server.stop(0);
  await op.close();
});

const health = async (): Promise<{auth: string; oauth_provider: string}> =>
  (await (await fetch(`${server.url}/health/auth`)).json()) as {auth: string; oauth_provider: string};
const metrics = async (): Promise<string> => metricsOf(server);

/** A login; its status and how long its callback took. */
async function logIn(): Promise<{status: number; ms: number}> {
  const browser = browserOf(server);
  const back = op.redirect(await begin(browser, server));
  const began = performance.now();
  const {status} = await browser.visit(back);
  return {status, ms: performance.now() - began};
}

it.each<[string, (response: ServerResponse) => void]>([
  ['hangs', () => undefined],
  ['answers 503', (response) => void response.writeHead(503).end()],
  ['resets', (response) => void response.destroy()],
])(
  'a token endpoint that %s: three logins find it, and the next that succeeds clears it',
  async (_what, token) => {
    op.answer = {token};
    const first = await Promise.all([logIn(), logIn(), logIn()]);
    expect(first.map(({status}) => status)).toEqual([502, 502, 502]);
    expect(await health()).toMatchObject({auth: 'degraded', oauth_provider: 'error'});
    expect(await metrics()).toContain('fraiseql_auth_dependency_up{dependency="provider:oidc"} 0');
    op.answer = {};
    expect((await logIn()).status).toBe(200);
    expect(await health()).toMatchObject({auth: 'healthy', oauth_provider: 'ok'});
    expect(await metrics()).toContain('fraiseql_auth_dependency_up{dependency="provider:oidc"} 1');
  },
);

it('while it hangs one login at a time tries it, and all others are told at once', async () => {
  op.answer = {token: () => undefined};
  await Promise.all([logIn(), logIn(), logIn()]);
  const rest = await Promise.all(Array.from({length: 5}, logIn));
  expect(rest.map(({status}) => status)).toEqual([502, 502, 502, 502, 502]);
  expect(rest.filter(({ms}) => ms > 3_000)).toHaveLength(1);
  // Somebody who says no at the provider has not tried it.
  const browser = browserOf(server);
  const denied = op.redirect(await begin(browser, server), {error: 'access_denied'});
  expect((await browser.visit(denied)).status).toBe(401);
  expect(await health()).toMatchObject({auth: 'degraded'});
});

it('a code that the provider refuses opens nothing', async () => {
  op.answer = {
    token: (response) =>
      void response.writeHead(400, {'content-type': 'application/json'}).end('{"error":"invalid_grant"}'),
  };
  for (let n = 0; n < 5; n++) expect((await logIn()).status).toBe(401);
  expect(await health()).toMatchObject({auth: 'healthy'});
});

it('userinfo that resets does as the token endpoint', async () => {
  op.answer = {claims: {email: undefined}};
  op.metadata = {userinfo_endpoint: `http://127.0.0.1:1/userinfo`};
  await until('the new metadata', async () => (await logIn()).status === 502);
  await logIn();
  await logIn();
  expect(await health()).toMatchObject({auth: 'degraded'});
});

it('an endpoint of pushed requests that is away is found at the start of logins', async () => {
  op.metadata = {pushed_authorization_request_endpoint: 'http://127.0.0.1:1/par'};
  const start = async (): Promise<number> =>
    (await fetch(`${server.url}/auth/start`, {method: 'POST'})).status;
  await until('the new metadata', async () => (await start()) === 502);
  await start();
  await start();
  expect(await health()).toMatchObject({auth: 'degraded'});
  op.metadata = {};
  await until('a login that begins', async () => (await start()) === 200);
  expect(await health()).toMatchObject({auth: 'healthy'});
});

it('a login that cannot begin writes nothing down, and logout tokens start one discovery a second', async () => {
  const {servers, database} = await theWorld();
  op.discovery = (response) => void response.writeHead(500).end();
  const other = await servers.server(
    {
      OIDC_ISSUER_URL: op.issuer,
      OIDC_CLIENT_SECRET: op.clientSecret,
      OAUTH_REDIRECT_URI: `${HOME}/auth/callback`,
    },
    {intervals: {providerGoodMs: 600_000, providerBadMs: 600_000}},
  );
  const rows = async (): Promise<unknown> =>
    (await database.asSuperuser('SELECT count(*)::int AS n FROM _system.login_transactions')).rows[0];
  await server.stop(0);
  const before = await rows();
  expect((await fetch(`${other.url}/auth/start`, {method: 'POST'})).status).toBe(502);
  expect(await rows()).toEqual(before);
  op.requests.length = 0;
  const began = performance.now();
  for (let n = 0; n < 20; n++) {
    const body = new URLSearchParams({logout_token: 'a.b.c'});
    expect((await fetch(`${other.url}/auth/backchannel-logout/oidc`, {method: 'POST', body})).status).toBe(
      502,
    );
  }
  expect(op.requests.length).toBeLessThanOrEqual(2 + Math.floor((performance.now() - began) / 1_000));
  await other.stop(0);
});
