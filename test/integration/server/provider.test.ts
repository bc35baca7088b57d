import {afterAll, beforeAll, beforeEach, describe, expect, it} from 'vitest';
import type {RunningServer} from '../../../src/server/server.ts';
import type {Answer as BrowserAnswer} from '../../support/browser.ts';
import {startLogin} from '../../support/login.ts';
import {
  startHostileProvider,
  type Answer,
  type HostileProvider,
} from '../../support/server/hostile-provider.ts';
import {metricsOf} from '../../support/server/metrics.ts';
import {browserAt, PUBLIC_URL, startStack, until, type Stack} from '../../support/server/stack.ts';

const CLIENT = 'auth-server';
let stack: Stack;
let provider: HostileProvider;
let server: RunningServer;

beforeAll(async () => {
  stack = await startStack();
  provider = await startHostileProvider(CLIENT, 'a client secret that is long enough');
  server = await stack.server({OIDC_ISSUER_URL: provider.issuer, OIDC_CLIENT_SECRET: provider.clientSecret});
});
afterAll(async () => {
  await stack.close();
  await provider.close();
});
beforeEach(() => {
  provider.answer = {};
});

/** A login whose provider answers so; `parameters` are added to what the browser brings back. */
async function loginWith(answer: Answer, parameters: Record<string, string> = {}): Promise<BrowserAnswer> {
  provider.answer = answer;
  const browser = browserAt(() => server);
  const url = await startLogin(browser, {baseUrl: PUBLIC_URL});
  return browser.visit(provider.redirect(url, parameters));
}

const codeOf = (answer: BrowserAnswer): string =>
  (JSON.parse(answer.body) as {errors: {extensions: {code: string}}[]}).errors[0]?.extensions.code ?? '';

const epoch = (): number => Math.floor(Date.now() / 1000);

describe('an honest answer', () => {
  it('logs in', async () => {
    expect((await loginWith({})).status).toBe(200);
  });

  it('with the right iss logs in (RFC 9207 2.4)', async () => {
    expect((await loginWith({}, {iss: provider.issuer})).status).toBe(200);
  });

  it('with times up to a minute off is taken', async () => {
    expect((await loginWith({claims: {exp: epoch() - 50, iat: epoch() + 50}})).status).toBe(200);
  });

  it('with the address only in the userinfo is completed from there', async () => {
    const answer = await loginWith({
      claims: {email: undefined},
      userinfo: {sub: 'user-1', email: 'from@userinfo.example'},
    });
    const {access_token: token} = JSON.parse(answer.body) as {access_token: string};
    const me = await fetch(`${server.url}/auth/me`, {headers: {authorization: `Bearer ${token}`}});
    expect(await me.json()).toMatchObject({email: 'from@userinfo.example'});
  });
});

describe('a parameter that was added to the callback', () => {
  it.each(['id_token', 'response', 'token', 'something'])('%s changes nothing', async (name) => {
    expect((await loginWith({}, {[name]: 'x'})).status).toBe(200);
  });
});

describe('a name with control characters', () => {
  it('is taken without them', async () => {
    const answer = await loginWith({claims: {name: 'A\u0000li\nce'}});
    const {access_token: token} = JSON.parse(answer.body) as {access_token: string};
    const me = await fetch(`${server.url}/auth/me`, {headers: {authorization: `Bearer ${token}`}});
    expect(await me.json()).toMatchObject({name: 'Alice'});
  });
});

// Every rule about ID tokens has its file in test/conformance/relying-party.
describe('an ID token that breaks a rule', () => {
  it('is refused, and the client is not told which', async () => {
    const answer = await loginWith({claims: {nonce: 'other'}});
    expect([answer.status, codeOf(answer)]).toEqual([401, 'oauth_error']);
    expect(answer.body).toContain('"message":"Authentication failed"');
    expect(answer.body).not.toContain('nonce');
  });
});

describe('an authorization response', () => {
  it('of another issuer is refused before the code is sent anywhere (RFC 9207 2.4)', async () => {
    provider.requests.length = 0;
    const answer = await loginWith({}, {iss: 'https://evil.example.com'});
    expect([answer.status, codeOf(answer)]).toEqual([401, 'oauth_error']);
    expect(provider.requests).not.toContain('/token');
  });

  it('without iss is refused where the metadata promises it (RFC 9207 2.4)', async () => {
    const promising = await startHostileProvider(CLIENT, provider.clientSecret);
    promising.metadata = {authorization_response_iss_parameter_supported: true};
    const strict = await stack.server({
      OIDC_ISSUER_URL: promising.issuer,
      OIDC_CLIENT_SECRET: provider.clientSecret,
    });
    const browser = browserAt(() => strict);
    const url = await startLogin(browser, {baseUrl: PUBLIC_URL});
    const answer = await browser.visit(promising.redirect(url));
    await promising.close();
    expect([answer.status, codeOf(answer)]).toEqual([401, 'oauth_error']);
  });

  it('that is an error is a 401, and uses the state up (RFC 6749 4.1.2.1)', async () => {
    const browser = browserAt(() => server);
    const url = await startLogin(browser, {baseUrl: PUBLIC_URL});
    const back = provider.redirect(url);
    const refusal = new URL(back);
    refusal.search = new URLSearchParams({
      error: 'access_denied',
      error_description: 'no',
      state: back.searchParams.get('state') ?? '',
    }).toString();
    const answer = await browser.visit(refusal);
    expect([answer.status, codeOf(answer)]).toEqual([401, 'oauth_error']);
    expect(codeOf(await browser.visit(back))).toBe('invalid_state');
  });

  it('is taken once: fifty replays at once get one login (RFC 9700 4.7)', async () => {
    const browser = browserAt(() => server);
    const url = await startLogin(browser, {baseUrl: PUBLIC_URL});
    const back = provider.redirect(url);
    provider.requests.length = 0;
    const answers = await Promise.all(Array.from({length: 50}, () => browser.visit(back)));
    expect(answers.filter((answer) => answer.status === 200)).toHaveLength(1);
    expect(new Set(answers.filter((answer) => answer.status !== 200).map(codeOf))).toEqual(
      new Set(['invalid_state']),
    );
    expect(provider.requests.filter((path) => path === '/token')).toHaveLength(1);
  });

  it('in a browser without the binding cookie is refused, and does not use the state up (RFC 9700 4.7.1)', async () => {
    const victim = browserAt(() => server);
    const url = await startLogin(victim, {baseUrl: PUBLIC_URL});
    const back = provider.redirect(url);
    const other = browserAt(() => server);
    await startLogin(other, {baseUrl: PUBLIC_URL});
    expect(codeOf(await other.visit(back))).toBe('invalid_state');
    expect((await victim.visit(back)).status).toBe(200);
  });

  it('needs no cookie where LOGIN_BINDING is None', async () => {
    const loose = await stack.server({
      OIDC_ISSUER_URL: provider.issuer,
      OIDC_CLIENT_SECRET: provider.clientSecret,
      LOGIN_BINDING: 'None',
    });
    const url = await startLogin(
      browserAt(() => loose),
      {baseUrl: PUBLIC_URL},
    );
    expect((await browserAt(() => loose).visit(provider.redirect(url))).status).toBe(200);
  });

  it('after ten minutes is refused', async () => {
    const browser = browserAt(() => server);
    const url = await startLogin(browser, {baseUrl: PUBLIC_URL});
    await stack.database.asSuperuser(`UPDATE _system.login_transactions SET expires_at = now()`);
    expect(codeOf(await browser.visit(provider.redirect(url)))).toBe('invalid_state');
  });

  it('cannot be completed on a server with another STATE_KEY', async () => {
    const other = await stack.server({
      OIDC_ISSUER_URL: provider.issuer,
      OIDC_CLIENT_SECRET: provider.clientSecret,
      STATE_KEY: Buffer.alloc(32, 9).toString('base64'),
    });
    let at = server;
    const browser = browserAt(() => at);
    const url = await startLogin(browser, {baseUrl: PUBLIC_URL});
    at = other;
    const answer = await browser.visit(provider.redirect(url));
    expect([answer.status, codeOf(answer)]).toEqual([400, 'pkce_error']);
  });
});

describe('the token endpoint', () => {
  it.each<[string, number, string, Answer]>([
    [
      'invalid_grant is the user or an attacker: 401',
      401,
      'oauth_error',
      token(400, {error: 'invalid_grant'}),
    ],
    ['invalid_client is our set-up: 502', 502, 'oauth_error', token(401, {error: 'invalid_client'})],
    ['a 500 is the provider: 502', 502, 'oauth_error', token(500, {error: 'server_error'})],
    [
      'a page where JSON should be: 502',
      502,
      'oauth_error',
      {token: (response) => void response.end('<html>')},
    ],
    ['no ID token: 502', 502, 'oauth_error', {idToken: () => ''}],
    ['a broken connection: 502', 502, 'oauth_error', {token: (response) => void response.destroy()}],
    ['an answer without end is cut: 502', 502, 'oauth_error', {token: endless}],
  ])('%s', async (_name, status, code, wrong) => {
    const answer = await loginWith(wrong);
    expect([answer.status, codeOf(answer)]).toEqual([status, code]);
  });
});

describe('a client secret that the provider refuses', () => {
  it('is told by health and metrics until a login succeeds', async () => {
    const state = async (): Promise<[string, boolean]> => {
      const body = (await (await fetch(`${server.url}/health/auth`)).json()) as {oauth_provider: string};
      const metrics = await metricsOf(server);
      const series =
        'fraiseql_auth_dependency_error{dependency="provider:oidc",reason="authentication_failed"} 1';
      return [body.oauth_provider, metrics.includes(series)];
    };
    await loginWith(token(401, {error: 'invalid_client'}));
    expect(await state()).toEqual(['error', true]);
    expect((await loginWith({})).status).toBe(200);
    expect(await state()).toEqual(['ok', false]);
  });
});

describe("the provider's keys", () => {
  it('rotated a moment ago are fetched, once for ten logins at a time; a failing fetch keeps the old ones', async () => {
    await loginWith({});
    await new Promise((resolve) => setTimeout(resolve, 1_100));
    provider.rotate('two');
    provider.requests.length = 0;
    const answers = await Promise.all(Array.from({length: 10}, () => loginWith({})));
    expect(answers.map((answer) => answer.status)).toEqual(Array.from({length: 10}, () => 200));
    // Each look at the provider's health fetches them beside it, after its metadata; one was perhaps under way.
    const asked = (path: string): number => provider.requests.filter((each) => each === path).length;
    expect(asked('/jwks') - asked('/.well-known/openid-configuration')).toBeLessThanOrEqual(2);

    provider.jwksStatus = 500;
    await until('a warning', () => stack.logs.some((line) => line.includes('the keys could not be fetched')));
    // Two more probes: the provider does not count as down for it.
    await new Promise((resolve) => setTimeout(resolve, 1_200));
    const answer = await loginWith({});
    provider.jwksStatus = 200;
    expect(answer.status).toBe(200);
  });
});

describe('an allow-list of e-mail domains', () => {
  const allowing = async (claims: Answer['claims']): Promise<BrowserAnswer> => {
    const [settings] = server.services.configuration.providers;
    if (!settings) throw new Error('no provider');
    const strict = await stack.server(
      {},
      {
        configuration: {
          ...server.services.configuration,
          providers: [{...settings, allowedEmailDomains: ['example.com']}],
        },
      },
    );
    provider.answer = {claims: claims ?? {}};
    const browser = browserAt(() => strict);
    const url = await startLogin(browser, {baseUrl: PUBLIC_URL});
    return browser.visit(provider.redirect(url));
  };

  it.each<[string, Answer['claims'], number]>([
    ['takes a verified address of the domain', {email: 'a@EXAMPLE.com'}, 200],
    ['refuses another domain', {email: 'a@example.org'}, 403],
    ['refuses a sub-domain', {email: 'a@sub.example.com'}, 403],
    ['refuses an address that is not verified', {email_verified: false}, 403],
    ['refuses a "true" that is text', {email_verified: 'true'}, 403],
  ])('%s', async (_name, claims, status) => {
    expect((await allowing(claims)).status).toBe(status);
  });
});

function token(status: number, body: Record<string, string>): Answer {
  return {
    token: (response) => {
      response.writeHead(status, {'content-type': 'application/json'}).end(JSON.stringify(body));
    },
  };
}

function endless(response: Parameters<NonNullable<Answer['token']>>[0]): void {
  response.writeHead(200, {'content-type': 'application/json'});
  const write = (): void => {
    while (!response.destroyed && response.write('x'.repeat(65_536)));
  };
  response.on('drain', write);
  write();
}
