import {mkdtemp, rm, writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {afterAll, beforeAll, describe, expect, it, onTestFinished} from 'vitest';
import type {RunningServer} from '../../../src/server/server.ts';
import {systemClock} from '../../../src/support/clock.ts';
import {login} from '../../support/login.ts';
import {deniedLogin} from './support/denied-login.ts';
import {startHostileProvider} from '../../support/server/hostile-provider.ts';
import {CLIENT_SECRET, PUBLIC_URL, startStack, type Stack} from '../../support/server/stack.ts';

let stack: Stack;
let directory: string;

beforeAll(async () => {
  stack = await startStack();
  directory = await mkdtemp(join(tmpdir(), 'limits-'));
});
afterAll(async () => {
  await stack.close();
  await rm(directory, {recursive: true});
});

/** A server with limits, for which no time passes: nothing that was used up comes back while a test is slow. */
const limited = (env: NodeJS.ProcessEnv = {}): Promise<RunningServer> =>
  stack.server(
    {RATE_LIMITS: 'On', TRUSTED_PROXIES: '127.0.0.1', ...env},
    {clock: {...systemClock, monotonic: () => 1_000}},
  );

const post = (server: RunningServer, path: string, from: string, body: unknown = {}): Promise<Response> =>
  fetch(server.url + path, {
    method: 'POST',
    headers: {'content-type': 'application/json', 'x-forwarded-for': from},
    body: JSON.stringify(body),
  });

const callback = (server: RunningServer, from: string): Promise<Response> =>
  fetch(`${server.url}/auth/callback?state=unknown&code=x`, {headers: {'x-forwarded-for': from}});

/** The answers' statuses, of so many requests one after the other. */
async function statuses(times: number, ask: () => Promise<Response>): Promise<number[]> {
  const answers: number[] = [];
  for (let i = 0; i < times; i++) {
    const answer = await ask();
    await answer.arrayBuffer();
    answers.push(answer.status);
  }
  return answers;
}

const many = (times: number, status: number): number[] => Array.from({length: times}, () => status);

describe('an address', () => {
  it('begins a hundred logins a minute, and is told when the next may come', async () => {
    const server = await limited();
    expect(await statuses(100, () => post(server, '/auth/start', '192.0.2.1'))).toEqual(many(100, 200));
    const answer = await post(server, '/auth/start', '192.0.2.1');
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([429, '1']);
    expect(await answer.json()).toMatchObject({
      errors: [{message: 'Too many requests. Retry after 1 seconds', extensions: {code: 'rate_limited'}}],
    });
    // Browsers begin logins by the same limit; others have their own.
    const page = await fetch(`${server.url}/auth/start`, {
      redirect: 'manual',
      headers: {'x-forwarded-for': '192.0.2.1', accept: 'text/html'},
    });
    expect([page.status, page.headers.get('content-type')]).toEqual([429, 'text/html; charset=utf-8']);
    expect((await post(server, '/auth/start', '192.0.2.2')).status).toBe(200);
  });

  it('is the right-most that is not a trusted proxy: what a client writes before it does not count', async () => {
    const server = await limited();
    let forged = 0;
    const ask = () => post(server, '/auth/logout', `198.51.100.${(forged += 1)}, 192.0.2.1`);
    expect(await statuses(21, ask)).toEqual([...many(20, 204), 429]);
  });

  it('cannot hide behind X-Forwarded-For where it is no trusted proxy, and the log says so', async () => {
    const server = await limited({TRUSTED_PROXIES: '10.0.0.0/8'});
    let forged = 0;
    const ask = () => post(server, '/auth/logout', `198.51.100.${(forged += 1)}`);
    expect(await statuses(21, ask)).toEqual([...many(20, 204), 429]);
    expect(stack.logs.filter((line) => line.includes('not in TRUSTED_PROXIES'))).toHaveLength(1);
  });

  it('that hides the clients of a proxy which nobody has named is not counted, and the log says so', async () => {
    const server = await limited({TRUSTED_PROXIES: ''});
    expect(await statuses(30, () => callback(server, '192.0.2.1'))).toEqual(many(30, 400));
    expect(stack.logs.filter((line) => line.includes('TRUSTED_PROXIES does not name'))).toHaveLength(1);
    // What comes without the header comes from the address itself.
    const ask = () => fetch(`${server.url}/auth/logout`, {method: 'POST'});
    expect(await statuses(21, ask)).toEqual([...many(20, 204), 429]);
  });

  it('of a named proxy that says nothing of its clients is not counted, and the log says so', async () => {
    const server = await limited();
    const ask = () => fetch(`${server.url}/auth/logout`, {method: 'POST'});
    expect(await statuses(30, ask)).toEqual(many(30, 204));
    expect(stack.logs.filter((line) => line.includes('sends no X-Forwarded-For'))).toHaveLength(1);
    const spoken = () => post(server, '/auth/logout', '127.0.0.1');
    expect(await statuses(30, spoken)).toEqual(many(30, 204));
  });

  it('of IPv6 counts by its /64', async () => {
    const server = await limited();
    let host = 0;
    const ask = () => post(server, '/auth/logout', `2001:db8:1:2::${(host += 1)}`);
    expect(await statuses(21, ask)).toEqual([...many(20, 204), 429]);
    expect((await post(server, '/auth/logout', '2001:db8:1:3::1')).status).toBe(204);
  });

  it('waits after five failed logins, but may log out', async () => {
    const op = await startHostileProvider('auth-server', CLIENT_SECRET);
    onTestFinished(() => op.close());
    const server = await limited({OIDC_ISSUER_URL: op.issuer});
    expect(await statuses(6, () => deniedLogin(server, '192.0.2.1'))).toEqual([...many(5, 401), 429]);
    const answer = await post(server, '/auth/start', '192.0.2.1');
    expect(answer.status).toBe(429);
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(600);
    expect((await post(server, '/auth/logout', '192.0.2.1')).status).toBe(204);
    expect((await post(server, '/auth/start', '192.0.2.2')).status).toBe(200);
  });

  it('brings fifty callbacks, and other numbers where the file says so', async () => {
    const file = join(directory, 'auth.yaml');
    await writeFile(file, 'rateLimits: {failedLoginsPerHour: 1000, logoutPerMinute: 2}\n');
    const server = await limited({AUTH_CONFIG_FILE: file});
    expect(await statuses(51, () => callback(server, '192.0.2.1'))).toEqual([...many(50, 400), 429]);
    expect(await statuses(3, () => post(server, '/auth/logout', '192.0.2.1'))).toEqual([204, 204, 429]);
  });

  it('has no limit where they are off', async () => {
    const server = await stack.server();
    expect(await statuses(30, () => post(server, '/auth/logout', '192.0.2.1'))).toEqual(many(30, 204));
  });
});

describe('a session', () => {
  it('is refreshed ten times a minute; the same answer given again does not count', async () => {
    const server = await limited();
    const route = (url: URL): URL | undefined =>
      url.origin === PUBLIC_URL ? new URL(url.pathname + url.search, server.url) : undefined;
    const sessions = [
      await login({baseUrl: PUBLIC_URL, user: 'ada', route}),
      await login({baseUrl: PUBLIC_URL, user: 'ada', route}),
    ];
    const refresh = (token: string): Promise<Response> =>
      post(server, '/auth/refresh', '192.0.2.1', {refresh_token: token});
    let token = sessions[0]?.refresh_token ?? '';
    for (let i = 0; i < 10; i++) {
      const before = token;
      const answer = await refresh(before);
      expect(answer.status).toBe(200);
      token = ((await answer.json()) as {refresh_token: string}).refresh_token;
      expect(((await (await refresh(before)).json()) as {refresh_token: string}).refresh_token).toBe(token);
    }
    const refused = await refresh(token);
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '6']);
    // The token is not used up by it, and the person's other session has a limit of its own.
    expect((await refresh(sessions[1]?.refresh_token ?? '')).status).toBe(200);
    const {rows} = await stack.database.asSuperuser(
      `SELECT count(*)::int AS live FROM _system.sessions WHERE revoked_at IS NULL`,
    );
    expect(rows).toEqual([{live: 2}]);
  });
});
