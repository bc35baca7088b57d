import {createServer, type AddressInfo} from 'node:net';
import {afterAll, beforeAll, describe, expect, it} from 'vitest';
import {startServer, type RunningServer} from '../../../src/server/server.ts';
import {createLogger} from '../../../src/support/logging.ts';
import {finishLogin, signIn, startLogin, type Tokens} from '../../support/login.ts';
import {startPostgres, type TestPostgres} from '../../support/postgres.ts';
import {metricsOf} from '../../support/server/metrics.ts';
import {
  browserAt,
  configurationFor,
  migrate,
  PUBLIC_URL,
  startStack,
  until,
  type Stack,
} from '../../support/server/stack.ts';

let postgres: TestPostgres;
let stack: Stack;
let server: RunningServer;

beforeAll(async () => {
  postgres = await startPostgres();
  stack = await startStack(postgres);
  server = await stack.server();
});
afterAll(() => stack.close());

const here = {baseUrl: PUBLIC_URL};

async function login(user: string): Promise<Tokens> {
  const browser = browserAt(() => server);
  return finishLogin(browser, await signIn(browser, await startLogin(browser, here), {...here, user}));
}

async function health(of: RunningServer = server): Promise<{status: number; body: unknown}> {
  const answer = await fetch(`${of.url}/health/auth`);
  return {status: answer.status, body: await answer.json()};
}

const is =
  (auth: string, of: RunningServer = server) =>
  async () =>
    ((await health(of)).body as {auth: string}).auth === auth;

function post(path: string, body: unknown): Promise<Response> {
  return fetch(server.url + path, {
    method: 'POST',
    headers: {'content-type': 'application/json'},
    body: JSON.stringify(body),
  });
}

const verify = async (tokens: Tokens): Promise<number> =>
  (await fetch(`${server.url}/auth/verify`, {headers: {authorization: `Bearer ${tokens.access_token}`}}))
    .status;

describe('while the provider is away', () => {
  it('health says degraded, new logins get a 502 at once, sessions go on, and it recovers', async () => {
    const tokens = await login('alice');
    expect(await health()).toEqual({status: 200, body: {auth: 'healthy', oauth_provider: 'ok', db: 'ok'}});

    stack.provider.setIntercept((request) => {
      request.socket.destroy();
      return true;
    });
    await until('degraded', is('degraded'));
    expect(await health()).toEqual({
      status: 200,
      body: {auth: 'degraded', oauth_provider: 'error', db: 'ok'},
    });

    const before = performance.now();
    const answer = await post('/auth/start', {});
    expect(answer.status).toBe(502);
    expect(performance.now() - before).toBeLessThan(1_500);
    expect(await answer.json()).toMatchObject({
      errors: [{message: 'Authentication failed', extensions: {code: 'oauth_error'}}],
    });

    expect(await verify(tokens)).toBe(200);
    const refreshed = await post('/auth/refresh', {refresh_token: tokens.refresh_token});
    expect(refreshed.status).toBe(200);
    expect((await post('/auth/logout', {refresh_token: tokens.refresh_token})).status).toBe(204);

    const metrics = await metricsOf(server);
    expect(metrics).toContain('fraiseql_auth_dependency_up{dependency="provider:oidc"} 0');
    expect(metrics).toContain(
      'fraiseql_auth_dependency_error{dependency="provider:oidc",reason="unreachable"} 1',
    );

    stack.provider.setIntercept(undefined);
    await until('healthy', is('healthy'));
    expect((await login('alice')).token_type).toBe('Bearer');
    const after = await metricsOf(server);
    expect(after).toContain('fraiseql_auth_dependency_up{dependency="provider:oidc"} 1');
    expect(after).not.toContain('fraiseql_auth_dependency_error{dependency="provider:oidc"');
  });

  it('a server starts, and takes logins when the provider is there', async () => {
    stack.provider.setIntercept((_request, response) => {
      response.writeHead(503).end();
      return true;
    });
    const late = await stack.server();
    await until('degraded', is('degraded', late));
    stack.provider.setIntercept(undefined);
    await until('healthy', is('healthy', late));
    const answer = await fetch(`${late.url}/auth/start`, {redirect: 'manual'});
    expect(answer.status).toBe(303);
  });
});

describe('while the database is away', () => {
  it('health says 503, live says 200, requests get a 503 with Retry-After, and it recovers', async () => {
    const tokens = await login('bob');
    // This server commits asynchronously, for speed; what it holds must outlive the crash.
    await stack.database.asSuperuser('CHECKPOINT');
    await postgres.stop();
    await until('unhealthy', is('unhealthy'));
    expect(await health()).toEqual({
      status: 503,
      body: {auth: 'unhealthy', oauth_provider: 'ok', db: 'error'},
    });
    expect((await fetch(`${server.url}/health/live`)).status).toBe(200);
    expect((await fetch(`${server.url}/.well-known/jwks.json`)).status).toBe(200);

    const before = performance.now();
    const answer = await post('/auth/refresh', {refresh_token: tokens.refresh_token});
    expect(answer.status).toBe(503);
    expect(performance.now() - before).toBeLessThan(1_500);
    expect(answer.headers.get('retry-after')).toMatch(/^\d+$/);
    expect(await answer.json()).toMatchObject({
      errors: [{message: 'Service temporarily unavailable', extensions: {code: 'server_error'}}],
    });
    // Not a 401, which would log the user out.
    await until('verify refuses', async () => (await verify(tokens)) !== 200, 6_000);
    expect(await verify(tokens)).toBe(503);
    const metrics = await metricsOf(server);
    expect(metrics).toContain('fraiseql_auth_dependency_error{dependency="database",reason="unreachable"} 1');

    await postgres.start();
    await until('healthy', is('healthy'));
    expect(await verify(tokens)).toBe(200);
    expect((await post('/auth/refresh', {refresh_token: tokens.refresh_token})).status).toBe(200);
  });

  it('requests under way when it breaks end with a 503, not a 500', async () => {
    const tokens = await login('bob');
    const answers = Promise.all(
      Array.from({length: 40}, async (_, index) => {
        await new Promise((resolve) => setTimeout(resolve, index * 3));
        return (await post('/auth/refresh', {refresh_token: tokens.refresh_token})).status;
      }),
    );
    await new Promise((resolve) => setTimeout(resolve, 40));
    await postgres.stop();
    const seen = new Set(await answers);
    await postgres.start();
    await until('healthy', is('healthy'));
    seen.delete(200);
    expect([...seen]).toEqual([503]);
  });

  it('a wrong password is told apart', async () => {
    const wrong = await stack.server({DATABASE_URL: stack.database.url.replace(/:[^:@/]+@/, ':wrong@')}, {});
    await until('a probe', () => wrong.services.health.database.state === 'down');
    expect(wrong.services.health.database.fault).toBe('authentication_failed');
    expect(stack.logs.join('')).not.toContain(new URL(stack.database.url).password);
  });
});

describe('a schema that is too old', () => {
  it('is unhealthy, says what to do, and heals when it is migrated', async () => {
    const url = await stack.database.createDatabase();
    const early = await stack.server({DATABASE_URL: url});
    await until('a probe', () => early.services.health.database.state === 'down');
    expect(await health(early)).toEqual({
      status: 503,
      body: {auth: 'unhealthy', oauth_provider: 'ok', db: 'error'},
    });
    expect(stack.logs.join('')).toContain('run \\"fraiseql-auth db migrate\\"');
    await migrate(url);
    await until('healthy', is('healthy', early));
  });
});

describe('starting', () => {
  it('the first health check after the port opens already knows of the database', async () => {
    for (let round = 0; round < 5; round++) {
      const fresh = await stack.server();
      expect((await health(fresh)).status).toBe(200);
    }
  });

  it('is not held up by a database that does not answer', async () => {
    const silent = createServer(() => {});
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    const {port} = silent.address() as AddressInfo;
    const before = performance.now();
    const waiting = await stack.server({DATABASE_URL: `postgres://u:p@127.0.0.1:${port}/d`});
    expect(performance.now() - before).toBeLessThan(8_000);
    expect((await health(waiting)).status).toBe(503);
    expect((await fetch(`${waiting.url}/health/live`)).status).toBe(200);
    await until('the timeout', () => waiting.services.health.database.fault === 'timeout');
    silent.close();
  });
});

describe('stopping', () => {
  it('says not ready at once, serves on while it drains, answers what is under way, and closes', async () => {
    const leaving = await startServer({
      configuration: configurationFor(stack.database.url, stack.provider.issuer),
      logger: createLogger({component: 'server', level: 'silent'}),
    });
    await until('healthy', is('healthy', leaving));
    const stopped = leaving.stop(0.5);
    expect((await health(leaving)).status).toBe(503);
    expect((await fetch(`${leaving.url}/auth/providers`)).status).toBe(200);
    await stopped;
    await expect(fetch(`${leaving.url}/health/live`)).rejects.toThrow('fetch failed');
  });
});
