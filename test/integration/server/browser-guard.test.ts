import {afterAll, beforeAll, describe, expect, it} from 'vitest';
import type {RunningServer} from '../../../src/server/server.ts';
import type {Answer, Browser} from '../../support/browser.ts';
import {signIn} from '../../support/login.ts';
import {browserAt, PUBLIC_URL, startStack, type Stack} from '../../support/server/stack.ts';

const APP = 'https://app.example.com';
let stack: Stack;
let server: RunningServer;

beforeAll(async () => {
  stack = await startStack();
  server = await stack.server({RETURN_TO_ORIGINS: `${APP},https://other.example.com:8443`});
});
afterAll(() => stack.close());

async function signedIn(user = 'alice'): Promise<Browser> {
  const person = browserAt(() => server);
  const start = await person.visit(`${PUBLIC_URL}/auth/start?return_to=/auth/account`);
  if (!start.location) throw new Error('no location');
  await person.visit(await signIn(person, start.location, {baseUrl: PUBLIC_URL, user}));
  return person;
}

const account = (person: Browser): Promise<Answer> =>
  person.visit(`${PUBLIC_URL}/auth/account`, {headers: {accept: 'text/html'}});

const fieldOf = (page: string, name: string): string =>
  new RegExp(`name="${name}" value="([^"]+)"`).exec(page)?.[1] ?? '';

describe('a request with the session cookie that changes something (OWASP ASVS 5, 3.5.1)', () => {
  it.each<[string, Record<string, string>, number]>([
    ['from our own page', {'sec-fetch-site': 'same-origin', origin: PUBLIC_URL}, 204],
    ['from our own page that names no origin', {'sec-fetch-site': 'same-origin', origin: 'null'}, 204],
    ['from an old browser on our own page', {origin: PUBLIC_URL}, 204],
    ['from an allowed origin', {'sec-fetch-site': 'same-site', origin: APP}, 204],
    ['from no browser', {}, 204],
    ['from another site', {'sec-fetch-site': 'cross-site', origin: 'https://evil.example.net'}, 403],
    ['from another site without an origin', {'sec-fetch-site': 'cross-site'}, 403],
    ['from a sibling host', {'sec-fetch-site': 'same-site', origin: 'https://blog.example.com'}, 403],
    ['from an old browser on another site', {origin: 'https://evil.example.net'}, 403],
    ['from an old browser in a sandboxed frame', {origin: 'null'}, 403],
    ['from an allowed host on another port', {origin: 'https://app.example.com:8443'}, 403],
    ['from an allowed host by http', {origin: 'http://app.example.com'}, 403],
    ['from a host whose name begins like an allowed one', {origin: `${APP}.evil.example.net`}, 403],
  ])('%s', async (_name, headers, status) => {
    const person = await signedIn();
    const before = await person.jar.getCookieString(PUBLIC_URL);
    const answer = await person.visit(`${PUBLIC_URL}/auth/logout`, {method: 'POST', headers});
    expect(answer.status).toBe(status);
    const alive = await fetch(`${server.url}/auth/verify`, {headers: {cookie: before}});
    expect(alive.status).toBe(status === 204 ? 401 : 200);
  });
});

describe('a form of the account page', () => {
  it('needs the token of this very session', async () => {
    const [person, other] = [await signedIn('bob'), await signedIn('mallory')];
    const strange = fieldOf((await account(other)).body, 'form_token');
    expect(strange).toMatch(/^[\w-]{43}$/);
    for (const form of [{form_token: strange}, {form_token: 'x'}, {}]) {
      const answer = await person.visit(`${PUBLIC_URL}/auth/account/sign-out`, {form});
      expect([400, 403]).toContain(answer.status);
    }
    expect((await account(person)).status).toBe(200);
    const own = fieldOf((await account(person)).body, 'form_token');
    const answer = await person.visit(`${PUBLIC_URL}/auth/account/sign-out`, {form: {form_token: own}});
    expect([answer.status, answer.body.includes('Signing out')]).toEqual([200, true]);
    expect((await account(person)).location?.pathname).toBe('/auth/start');
  });

  it("ends the user's own sessions only", async () => {
    const [person, other] = [await signedIn('carol'), await signedIn('dave')];
    const theirs = JSON.parse((await other.visit(`${PUBLIC_URL}/auth/me`)).body) as {session_id: string};
    const form = {
      form_token: fieldOf((await account(person)).body, 'form_token'),
      session: theirs.session_id,
    };
    expect((await person.visit(`${PUBLIC_URL}/auth/account/end-session`, {form})).status).toBe(303);
    expect((await other.visit(`${PUBLIC_URL}/auth/me`)).status).toBe(200);

    const second = await signedIn('carol');
    const mine = {...form, session: fieldOf((await account(person)).body, 'session')};
    expect((await person.visit(`${PUBLIC_URL}/auth/account/end-session`, {form: mine})).status).toBe(303);
    expect((await second.visit(`${PUBLIC_URL}/auth/me`)).status).toBe(401);
  });

  it('holds nothing that opens a session', async () => {
    const person = await signedIn();
    const {body, headers} = await account(person);
    const cookies = await person.jar.getCookies(PUBLIC_URL);
    const {key, value} = cookies.find((each) => each.key.includes('fraiseql-session')) ?? {};
    const verify = (secret = ''): Promise<Response> =>
      fetch(`${server.url}/auth/verify`, {headers: {cookie: `${key}=${secret}`}});
    expect((await verify(value)).status).toBe(200);
    expect(body).not.toContain(value);
    expect(headers['cache-control']).toBe('no-store');
    expect(headers['content-security-policy']).toContain("form-action 'self'; frame-ancestors 'none'");
    const token = fieldOf(body, 'form_token');
    expect(token).toMatch(/^[\w-]{43}$/);
    expect((await verify(token)).status).toBe(401);
  });
});

describe('an application of another origin (CORS)', () => {
  const ask = (path: string, origin: string): Promise<Response> =>
    fetch(server.url + path, {headers: {origin}});
  const preflight = (path: string, origin: string): Promise<Response> =>
    fetch(server.url + path, {
      method: 'OPTIONS',
      headers: {
        origin,
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'content-type',
      },
    });

  it('that is allowed may ask with its cookies', async () => {
    const answer = await preflight('/auth/refresh', APP);
    expect(answer.status).toBe(204);
    expect(answer.headers.get('access-control-allow-origin')).toBe(APP);
    expect(answer.headers.get('access-control-allow-credentials')).toBe('true');
    expect(answer.headers.get('access-control-allow-headers')).toBe('Authorization, Content-Type');
    expect(answer.headers.get('vary')).toBe('Origin');
    // Errors can be read as well.
    const error = await ask('/auth/me', APP);
    expect([error.status, error.headers.get('access-control-allow-origin')]).toEqual([401, APP]);
  });

  it.each([
    'https://evil.example.net',
    'http://app.example.com',
    'https://app.example.com:8443',
    'https://app.example.com.evil.example.net',
    'https://APP.example.com',
    'null',
  ])('%s may not', async (origin) => {
    for (const answer of [await preflight('/auth/refresh', origin), await ask('/auth/me', origin)]) {
      expect(answer.headers.get('access-control-allow-origin')).toBeNull();
      expect(answer.headers.get('access-control-allow-credentials')).toBeNull();
      expect(answer.headers.get('vary')).toBe('Origin');
    }
  });

  it('may read the keys and the metadata', async () => {
    for (const path of ['/.well-known/jwks.json', '/.well-known/oauth-authorization-server'])
      expect((await ask(path, APP)).headers.get('access-control-allow-origin')).toBe(APP);
  });

  it.each(['/auth/account', '/auth/callback', '/metrics', '/auth/account/sign-out', '/auth/me/../account'])(
    'may not have %s, allowed or not',
    async (path) => {
      for (const answer of [await preflight(path, APP), await ask(path, APP)])
        expect(answer.headers.get('access-control-allow-origin')).toBeNull();
    },
  );
});
