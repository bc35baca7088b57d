// What only shows when many come at once, or when a replica goes: each on two replicas of one database.
import {afterAll, beforeAll, expect, it} from 'vitest';
import type {RunningServer} from '../../src/server/server.ts';
import {holdSession, verifyStatus} from '../support/server/sessions.ts';
import {browserAt, PUBLIC_URL, startStack, until, type Stack} from '../support/server/stack.ts';
import {finishLogin, signIn, startLogin} from '../support/login.ts';

const person = {baseUrl: PUBLIC_URL, user: 'race'};
let stack: Stack;
let servers: [RunningServer, RunningServer];

beforeAll(async () => {
  stack = await startStack();
  servers = [await stack.server(), await stack.server()];
});
afterAll(() => stack.close());

const at = (n: number): RunningServer => servers[n % 2] ?? servers[0];

interface Refreshed {
  readonly status: number;
  readonly token: string | undefined;
}

/** As a client that is told so does: what was turned away for overload (503) comes again. */
async function persistent(url: string, init: RequestInit = {}): Promise<Response> {
  for (let turn = 0; ; turn++) {
    const response = await fetch(url, init);
    if (response.status !== 503 || turn === 100) return response;
    await response.body?.cancel();
    await new Promise((resolve) => {
      setTimeout(resolve, 50);
    });
  }
}

async function refresh(server: RunningServer, token: string): Promise<Refreshed> {
  const response = await persistent(`${server.url}/auth/refresh`, {
    method: 'POST',
    headers: {'content-type': 'application/json'},
    body: JSON.stringify({refresh_token: token}),
  });
  const {refresh_token: next} = (await response.json()) as {refresh_token?: string};
  return {status: response.status, token: next};
}

const times = <T>(count: number, make: (n: number) => Promise<T>): Promise<T[]> =>
  Promise.all(Array.from({length: count}, (_, n) => make(n)));

it('one answer of the provider, brought 50 times at once to both replicas: one exchange and one login', async () => {
  const browser = browserAt(() => servers[0]);
  const callback = await signIn(browser, await startLogin(browser, person), person);
  const before = stack.provider.requests.filter((line) => line.startsWith('POST /token')).length;
  const cookie = await browser.jar.getCookieString(PUBLIC_URL);
  const statuses = await times(50, async (n) => {
    const {status} = await persistent(at(n).url + callback.pathname + callback.search, {headers: {cookie}});
    return status;
  });
  expect(statuses.filter((status) => status === 200)).toHaveLength(1);
  expect(statuses.filter((status) => status === 400)).toHaveLength(49);
  const after = stack.provider.requests.filter((line) => line.startsWith('POST /token')).length;
  expect(after - before).toBe(1);
});

it('one refresh token, presented 100 times at once to both replicas: one successor', async () => {
  const held = await holdSession(servers[0], {subject: 'refresh-race'});
  const answers = await times(100, (n) => refresh(at(n), held.refresh));
  expect(new Set(answers.map(({status}) => status))).toEqual(new Set([200]));
  expect(new Set(answers.map(({token}) => token)).size).toBe(1);
  const [first] = answers;
  expect(first?.token).not.toBe(held.refresh);
  expect((await refresh(servers[1], first?.token ?? '')).status).toBe(200);
});

it('a logout among 50 refreshes: the session is over, whoever came first', async () => {
  const held = await holdSession(servers[0], {subject: 'logout-race'});
  const logout = (): Promise<Refreshed> =>
    persistent(`${servers[1].url}/auth/logout`, {
      method: 'POST',
      headers: {'content-type': 'application/json'},
      body: JSON.stringify({refresh_token: held.refresh}),
    }).then(({status}) => ({status, token: undefined}));
  const answers = await times(51, (n) => (n === 25 ? logout() : refresh(at(n), held.refresh)));
  expect(answers[25]?.status).toBe(204);
  for (const {status} of answers) expect([200, 204, 401]).toContain(status);
  const tokens = new Set([held.refresh, ...answers.flatMap(({token}) => token ?? [])]);
  for (const token of tokens) {
    expect((await refresh(servers[0], token)).status).toBe(401);
    expect((await refresh(servers[1], token)).status).toBe(401);
  }
  for (const server of servers)
    await until('the access token is refused', async () => (await verifyStatus(server, held)) === 401, 1_000);
});

it('an answer of the provider that was used before a restart is not taken after it', async () => {
  const browser = browserAt(() => servers[0]);
  const callback = await signIn(browser, await startLogin(browser, person), person);
  const cookie = await browser.jar.getCookieString(PUBLIC_URL);
  await finishLogin(browser, callback);
  await servers[0].stop(0);
  servers = [await stack.server(), servers[1]];
  const {status} = await persistent(servers[0].url + callback.pathname + callback.search, {
    headers: {cookie},
  });
  expect(status).toBe(400);
});
