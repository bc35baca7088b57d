// A login, a refresh, a logout and what goes wrong beside them; then every log line, every metric and every table is
// searched for the secrets that went through the server.
import {createPrivateKey} from 'node:crypto';
import {afterAll, beforeAll, expect, it} from 'vitest';
import {formToken} from '../../src/server/http/form-token.ts';
import type {RunningServer} from '../../src/server/server.ts';
import {authServer, HOME, someone, theWorld, visit} from '../support/server/auth-server.ts';
import {logoutToken, send} from '../support/server/backchannel.ts';
import {
  browserAt,
  CLIENT_SECRET,
  PUBLIC_URL,
  SIGNING_KEY,
  startStack,
  type Stack,
} from '../support/server/stack.ts';
import {finishLogin, signIn, startLogin} from '../support/login.ts';
import {startRedis} from '../support/redis.ts';
import {dumpTables, standsIn} from '../support/tables.ts';
import {metricsOf} from '../support/server/metrics.ts';

const person = {baseUrl: PUBLIC_URL, user: 'secretive', password: 'planted-password-of-a-person'};
let stack: Stack;
let server: RunningServer;

beforeAll(async () => {
  stack = await startStack();
  server = await stack.server({
    INTROSPECTION_CLIENT_ID: 'gateway',
    INTROSPECTION_CLIENT_SECRET: 'planted-introspection-secret',
  });
});
afterAll(() => stack.close());

const post = (path: string, body: unknown): Promise<Response> =>
  fetch(server.url + path, {
    method: 'POST',
    headers: {'content-type': 'application/json'},
    body: JSON.stringify(body),
  });

type Plant = (name: string, secret: string | null | undefined) => void;

/** Secrets by their names; and those of them that stand somewhere, as `name in place`. */
function secretsToFind(): {
  secrets: Map<string, string>;
  plant: Plant;
  foundIn: (places: Record<string, string>) => string[];
} {
  const secrets = new Map<string, string>();
  return {
    secrets,
    plant(name, secret) {
      if (!secret) throw new Error(`no ${name} to look for`);
      secrets.set(name, secret);
    },
    foundIn: (places) =>
      Object.entries(places).flatMap(([place, text]) =>
        [...secrets].filter(([, secret]) => standsIn(secret, text)).map(([name]) => `${name} in ${place}`),
      ),
  };
}

function plantSigningKey(plant: Plant): void {
  plant('private key', 'PRIVATE KEY');
  plant("a line of the private key's body", SIGNING_KEY.split('\n')[2]);
  plant("the private key's exponent", createPrivateKey(SIGNING_KEY).export({format: 'jwk'}).d);
}

it('no secret is in a log, a metric or a table', async () => {
  const {secrets, plant, foundIn} = secretsToFind();
  const browser = browserAt(() => server);
  const callback = await signIn(browser, await startLogin(browser, person), person);
  plant('code', callback.searchParams.get('code'));
  plant('state', callback.searchParams.get('state'));
  const cookies = await browser.jar.getCookies(PUBLIC_URL);
  plant('binding cookie', cookies.find(({key}) => key.includes('fraiseql-login'))?.value);
  const tokens = await finishLogin(browser, callback);
  plant('access token', tokens.access_token);
  plant("the access token's signature", tokens.access_token.split('.')[2]);
  plant('refresh token', tokens.refresh_token);
  const again = await signIn(browser, await startLogin(browser, person), person);
  plant("another login's code", again.searchParams.get('code'));
  // Without its cookie: refused.
  expect((await fetch(server.url + again.pathname + again.search)).status).toBe(400);
  const refreshed = (await (await post('/auth/refresh', {refresh_token: tokens.refresh_token})).json()) as {
    refresh_token: string;
  };
  plant('the next refresh token', refreshed.refresh_token);
  plant('a refresh token that nobody issued', 'planted-refresh-token-that-nobody-issued-12');
  expect(
    (await post('/auth/refresh', {refresh_token: secrets.get('a refresh token that nobody issued')})).status,
  ).toBe(401);
  plant('a bearer token that is none', 'planted.bearer.token');
  const authorization = `Bearer ${secrets.get('a bearer token that is none')}`;
  expect((await fetch(`${server.url}/auth/verify`, {headers: {authorization}})).status).toBe(401);
  plant('a wrong client secret', 'planted-wrong-client-secret');
  const wrong = {
    token: tokens.access_token,
    client_id: 'gateway',
    client_secret: 'planted-wrong-client-secret',
  };
  const asked = await fetch(`${server.url}/auth/introspect`, {
    method: 'POST',
    body: new URLSearchParams(wrong),
  });
  expect(asked.status).toBe(401);
  expect((await post('/auth/logout', {refresh_token: refreshed.refresh_token})).status).toBe(204);
  plant('client secret', CLIENT_SECRET);
  plant('introspection secret', 'planted-introspection-secret');
  plant('password', person.password);
  plant('key that seals logins', Buffer.alloc(32, 7).toString('base64'));
  plantSigningKey(plant);
  const password = new URL(stack.database.url).password;
  if (password !== '') plant('database password', password);

  const places = {
    logs: stack.logs.join(''),
    metrics: await metricsOf(server),
    tables: await dumpTables(stack.database),
  };
  expect(places.logs).toContain('session_refreshed');
  expect(places.metrics).toContain('fraiseql_auth_refreshes_total');
  expect(places.tables).toContain('secretive');
  expect(foundIn(places)).toEqual([]);
});

it('nor is one of a browser, of its provider or of Redis, nor in what Redis holds', async () => {
  const {plant, foundIn} = secretsToFind();
  const {op, database, servers} = await theWorld();
  const redis = await startRedis();
  const cached = await authServer({REDIS_URL: redis.url, RATE_LIMITS: 'On'});
  try {
    const sub = someone();
    const {browser, answer} = await visit(
      cached,
      {
        claims: {sub, sid: sub, email: undefined},
        userinfo: {sub, email: 'ada@example.com'},
        idToken: async (claims, {key}) => {
          const {SignJWT} = await import('jose');
          const token = await new SignJWT(claims).setProtectedHeader({alg: 'RS256', kid: 'one'}).sign(key);
          plant('ID token', token);
          plant("the ID token's signature", token.split('.')[2]);
          return token;
        },
      },
      {return_to: '/auth/account'},
    );
    expect(answer.status).toBe(303);
    plant("the provider's access token", op.userinfoRequest?.headers.authorization?.replace('Bearer ', ''));
    const cookies = await browser.jar.getCookies(HOME);
    const cookie = cookies.find(({key}) => key.includes('fraiseql-session'))?.value;
    plant('session cookie', cookie);
    plant('form token', formToken(cookie ?? ''));
    const page = await browser.visit(`${HOME}/auth/account`, {headers: {accept: 'text/html'}});
    expect(page.body).toContain(formToken(cookie ?? ''));
    for (let time = 0; time < 3; time++)
      expect((await browser.visit(`${HOME}/auth/verify`)).status).toBe(200);
    // While the session lives, and what goes with it is still there.
    const [held, rows] = [await redis.dump(), await dumpTables(database)];
    expect(Object.keys(held)).not.toEqual([]);

    const bad = await logoutToken({sub, nonce: 'n'});
    plant('a logout token that is refused', bad);
    expect((await send(bad, cached)).status).toBe(400);
    const good = await logoutToken({sub});
    plant('logout token', good);
    expect((await send(good, cached)).status).toBe(200);
    expect((await browser.visit(`${HOME}/auth/verify`)).status).toBe(401);
    plant('password of Redis', redis.password);
    plantSigningKey(plant);

    const places = {
      logs: servers.logs.join(''),
      metrics: await metricsOf(cached),
      tables: rows + (await dumpTables(database)),
      Redis: JSON.stringify([held, await redis.dump()]),
    };
    expect(places.logs).toContain('backchannel_logout');
    expect(places.tables).toContain('ada@example.com');
    expect(foundIn(places)).toEqual([]);
  } finally {
    await cached.stop(0);
    await redis.close();
  }
});
