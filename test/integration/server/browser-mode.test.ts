import {afterAll, beforeAll, describe, expect, it} from 'vitest';
import type {RunningServer} from '../../../src/server/server.ts';
import {Browser, type Answer} from '../../support/browser.ts';
import {signIn} from '../../support/login.ts';
import {startProvider, type RunningProvider} from '../../fixtures/provider/provider.ts';
import {CLIENT_SECRET, startStack, type Stack} from '../../support/server/stack.ts';

const HOME = 'https://auth.example.com';
let stack: Stack;
let provider: RunningProvider;
let server: RunningServer;

beforeAll(async () => {
  stack = await startStack();
  provider = await startProvider({
    clients: [
      {clientId: 'auth-server', clientSecret: CLIENT_SECRET, redirectUris: [`${HOME}/auth/callback`]},
    ],
  });
  server = await stack.server({
    OIDC_ISSUER_URL: provider.issuer,
    OAUTH_REDIRECT_URI: `${HOME}/auth/callback`,
  });
});
afterAll(async () => {
  await stack.close();
  await provider.close();
});

/** A browser that sees https, as behind an edge that ends TLS. */
function browser(seen: Answer[] = []): Browser {
  return new Browser({
    route: (url) => (url.origin === HOME ? new URL(url.pathname + url.search, server.url) : undefined),
    onAnswer: (_method, answer) => seen.push(answer),
  });
}

async function logIn(person: Browser, returnTo: string): Promise<Answer> {
  const start = await person.visit(`${HOME}/auth/start?return_to=${encodeURIComponent(returnTo)}`);
  expect(start.status).toBe(303);
  if (!start.location) throw new Error('no location');
  const back = await signIn(person, start.location, {baseUrl: HOME, user: 'alice'});
  return person.visit(back);
}

describe('a login with return_to', () => {
  it('ends at return_to with the session in a __Host- cookie, and no token anywhere (RFC 6265bis 4.1.3.2)', async () => {
    const seen: Answer[] = [];
    const person = browser(seen);
    const end = await logIn(person, 'https://app.example.com/inbox?x=1#top');
    expect(end.status).toBe(303);
    expect(end.location?.href).toBe('https://app.example.com/inbox?x=1#top');
    expect(end.headers['set-cookie']).toMatch(
      /__Host-fraiseql-session=[\w-]{43}; Path=\/; Max-Age=60\d{4}; HttpOnly; SameSite=Lax; Secure/,
    );
    expect(end.body).toBe('');
    const [cookie] = await person.jar.getCookies(HOME);
    expect(cookie?.key).toBe('__Host-fraiseql-session');
    for (const answer of seen) expect(answer.location?.href ?? '').not.toContain(cookie?.value);
  });

  it('gives a session that verify and me accept, and logout ends', async () => {
    const person = browser();
    await logIn(person, '/app');
    expect((await person.visit(`${HOME}/auth/verify`)).status).toBe(200);
    const me = await person.visit(`${HOME}/auth/me`);
    expect(JSON.parse(me.body)).toMatchObject({email: 'alice@example.com', provider: 'oidc'});
    const cookie = await person.jar.getCookieString(HOME);
    expect((await person.visit(`${HOME}/auth/logout`, {method: 'POST'})).status).toBe(204);
    expect(await person.jar.getCookieString(HOME)).toBe('');
    const again = await fetch(`${server.url}/auth/verify`, {headers: {cookie}});
    expect(again.status).toBe(401);
  });

  it('gives a cookie that is no refresh token', async () => {
    const person = browser();
    await logIn(person, '/app');
    const [cookie] = await person.jar.getCookies(HOME);
    const answer = await person.visit(`${HOME}/auth/refresh`, {json: {refresh_token: cookie?.value}});
    expect(answer.status).toBe(401);
    expect((await person.visit(`${HOME}/auth/verify`)).status).toBe(200);
  });

  it('is not ended by a post from another site', async () => {
    const person = browser();
    await logIn(person, '/app');
    const forged = await person.visit(`${HOME}/auth/logout`, {
      method: 'POST',
      headers: {'sec-fetch-site': 'cross-site'},
    });
    expect(forged.status).toBe(403);
    expect((await person.visit(`${HOME}/auth/verify`)).status).toBe(200);
  });

  it('works in two tabs at once (one binding cookie a login)', async () => {
    const person = browser();
    const tabs = await Promise.all(
      ['/one', '/two'].map((path) => person.visit(`${HOME}/auth/start?return_to=${path}`)),
    );
    const backs = [];
    for (const tab of tabs) {
      if (!tab.location) throw new Error('no location');
      backs.push(await signIn(person, tab.location, {baseUrl: HOME, user: 'alice'}));
    }
    const ends = [];
    for (const back of backs.toReversed()) ends.push(await person.visit(back));
    expect(ends.map((end) => end.location?.pathname)).toEqual(['/two', '/one']);
  });

  it('leaves a browser its session, and its newest logins, however many it begins', async () => {
    const person = browser();
    await logIn(person, '/app');
    const begin = (): Promise<Answer> => person.visit(`${HOME}/auth/start?return_to=/tab`);
    const first = await begin();
    const others: Answer[] = [];
    for (let n = 0; n < 30; n++) others.push(await begin());
    expect(await person.jar.getCookies(HOME)).toHaveLength(11);
    expect((await person.visit(`${HOME}/auth/verify`)).status).toBe(200);
    const back = async (start: Answer | undefined): Promise<Answer> => {
      if (!start?.location) throw new Error('no location');
      return person.visit(await signIn(person, start.location, {baseUrl: HOME, user: 'alice'}), {
        headers: {accept: 'text/html'},
      });
    };
    expect((await back(others.at(-10))).location?.pathname).toBe('/tab');
    const lost = await back(first);
    expect(lost.status).toBe(400);
    expect(lost.body).toContain('many were begun after it');
  });
});

describe('GET /auth/start without return_to', () => {
  it('ends in the tokens, as the API does', async () => {
    const person = browser();
    const start = await person.visit(`${HOME}/auth/start`);
    if (!start.location) throw new Error('no location');
    const end = await person.visit(await signIn(person, start.location, {baseUrl: HOME, user: 'bob'}));
    expect(end.status).toBe(200);
    expect(JSON.parse(end.body)).toMatchObject({token_type: 'Bearer'});
  });
});
