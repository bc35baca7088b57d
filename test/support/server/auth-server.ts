// The auth server as a client and a browser meet it, on a database and beside a provider that the files of a worker
// share: what a rule needs beside them (another setting, another replica) is started once and kept until the worker ends.
// Users and sessions are of one test each, so that no file sees another's.
import {randomUUID} from 'node:crypto';
import type {RunningServer} from '../../../src/server/server.ts';
import {Browser, type Answer as BrowserAnswer} from '../browser.ts';
import type {FaultProxy} from '../fault-proxy.ts';
import type {Tokens} from '../login.ts';
import {ownDatabase, type TestDatabase} from '../shared-postgres.ts';
import {startHostileProvider, type Answer, type HostileProvider} from './hostile-provider.ts';
import {serversOn, until, type Servers} from './stack.ts';

export const CLIENT = 'auth-server';

/** Where people meet a server of these tests: https, as behind an edge that ends TLS. */
export const HOME = 'https://auth.example.com';

interface World {
  readonly database: TestDatabase;
  readonly op: HostileProvider;
  readonly servers: Servers;
}

let world: Promise<World> | undefined;
const running = new Map<string, Promise<RunningServer>>();

/** What the servers of this worker stand on. */
export function theWorld(): Promise<World> {
  world ??= (async () => {
    const [database, op] = await Promise.all([
      ownDatabase(),
      startHostileProvider(CLIENT, 'a client secret that is long enough'),
    ]);
    return {database, op, servers: serversOn(database.url, op.issuer)};
  })();
  return world;
}

/** The server with these variables beside the usual ones; `replica` tells two with the same ones apart. */
export function authServer(env: Record<string, string> = {}, replica = 1): Promise<RunningServer> {
  const key = JSON.stringify([env, replica]);
  const known = running.get(key);
  if (known) return known;
  const started = (async () => {
    const {servers} = await theWorld();
    const server = await servers.server({...(await worldEnv()), ...env});
    // On a busy machine its first connection may come too late, and the next one a moment after.
    await until(
      'the database',
      async () => (await fetch(`${server.url}/health/auth`)).status === 200,
      30_000,
    );
    return server;
  })();
  running.set(key, started);
  return started;
}

/** One of the caller's own, over a network to its database that breaks as the test says. */
export async function cutOffServer(
  env: Record<string, string> = {},
): Promise<{server: RunningServer; network: FaultProxy}> {
  const {servers} = await theWorld();
  return servers.cutOff({...(await worldEnv()), ...env});
}

/** For a file that does things to it: ends the servers, and what they stand on. The worker's next file has others. */
export async function closeTheWorld(): Promise<void> {
  const {servers, op, database} = await theWorld();
  world = undefined;
  running.clear();
  await servers.stop();
  await Promise.all([op.close(), database.close()]);
}

/** What a server is told beside the usual to be of this world. */
async function worldEnv(): Promise<Record<string, string>> {
  const {op} = await theWorld();
  return {OIDC_CLIENT_SECRET: op.clientSecret, OAUTH_REDIRECT_URI: `${HOME}/auth/callback`};
}

/** A name that no other test uses. */
export const someone = (): string => `user-${randomUUID()}`;

/** A person's browser, whose visits to the server's public address reach that server. */
export function browserOf(server: RunningServer): Browser {
  const {origin} = server.services.configuration.login;
  return new Browser({
    route: (url) => (url.origin === origin ? new URL(url.pathname + url.search, server.url) : undefined),
  });
}

/** Begins a login in that browser; the provider's address that it is sent to. */
export async function begin(
  browser: Browser,
  server: RunningServer,
  query: Record<string, string> = {},
): Promise<URL> {
  const {origin} = server.services.configuration.login;
  const answer = await browser.visit(`${origin}/auth/start?${String(new URLSearchParams(query))}`);
  if (!answer.location) throw new Error(`the login did not begin: ${answer.status} ${answer.body}`);
  return answer.location;
}

export interface Visit {
  readonly browser: Browser;
  readonly answer: BrowserAnswer;
}

/** A login to its end, whatever that is. `answer` is what the provider says. */
export async function visit(
  server: RunningServer,
  answer: Answer = {},
  query: Record<string, string> = {},
  browser: Browser = browserOf(server),
): Promise<Visit> {
  const {op} = await theWorld();
  const authorization = await begin(browser, server, query);
  op.answer = answer;
  try {
    return {browser, answer: await browser.visit(op.redirect(authorization))};
  } finally {
    op.answer = {};
  }
}

/** Where the page of that answer sends the browser by itself. */
export function onwardOf(answer: BrowserAnswer): URL {
  const [, url = ''] = /http-equiv="refresh" content="0;url=([^"]*)"/.exec(answer.body) ?? [];
  return new URL(url.replaceAll('&amp;', '&'));
}

/** A login of that subject that gives tokens. */
export async function logIn(server: RunningServer, subject: string = someone()): Promise<Tokens> {
  const {answer} = await visit(server, {claims: {sub: subject}});
  if (answer.status !== 200) throw new Error(`the login failed: ${answer.status} ${answer.body}`);
  return JSON.parse(answer.body) as Tokens;
}

/** The status that a route answers that bearer token with. */
export async function statusOf(
  server: RunningServer,
  accessToken: string,
  path = '/auth/verify',
): Promise<number> {
  return (await fetch(server.url + path, {headers: {authorization: `Bearer ${accessToken}`}})).status;
}

export function refresh(server: RunningServer, refreshToken: string): Promise<Response> {
  return fetch(`${server.url}/auth/refresh`, {
    method: 'POST',
    body: new URLSearchParams({grant_type: 'refresh_token', refresh_token: refreshToken}),
  });
}
