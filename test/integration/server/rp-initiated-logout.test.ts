import {decodeJwt} from 'jose';
import {afterAll, afterEach, beforeAll, describe, expect, it} from 'vitest';
import {startProvider, type ProviderOptions, type RunningProvider} from '../../fixtures/provider/provider.ts';
import type {RunningServer} from '../../../src/server/server.ts';
import {confirm, onward, personAt, signInOf, signOut, type Person, type SignIn} from './support/person.ts';
import {
  browserAt,
  CLIENT_SECRET,
  PUBLIC_URL,
  startStack,
  until,
  type Stack,
} from '../../support/server/stack.ts';

const APP = 'https://app.example.com';
let stack: Stack;
let server: RunningServer;

beforeAll(async () => {
  stack = await startStack();
  server = await stack.server();
});
afterAll(() => stack.close());

const signedIn = (user: string, at = server, query = ''): Promise<Person> => personAt(at, user, query);

const status = async ({cookie}: Person): Promise<number> =>
  (await fetch(`${server.url}/auth/verify`, {headers: {cookie}})).status;

const rowOf = (person: Person): Promise<SignIn | undefined> => signInOf(stack.database, person);

describe('a person who signs out', () => {
  it('is signed out here, then at the provider, and is asked for a password the next time', async () => {
    const alice = await signedIn('alice');
    const page = await signOut(alice);
    // Here it has ended before the browser goes anywhere.
    expect([page.status, page.headers['cache-control'], await status(alice)]).toEqual([200, 'no-store', 401]);
    expect(await alice.browser.jar.getCookieString(PUBLIC_URL)).not.toContain('session');
    const url = onward(page);
    expect(url.origin + url.pathname).toBe(`${stack.provider.issuer}/session/end`);
    expect(url.searchParams.get('post_logout_redirect_uri')).toBe(`${PUBLIC_URL}/auth/signed-out`);
    const claims = decodeJwt(url.searchParams.get('id_token_hint') ?? '');
    expect(claims).toMatchObject({iss: stack.provider.issuer, email: 'alice@example.com'});
    expect(url.searchParams.get('client_id')).toBe(claims.aud);
    expect(url.searchParams.has('logout_hint')).toBe(false);

    const end = await confirm(alice, url);
    expect(end.status).toBe(200);
    expect(end.body).toContain('<strong>OpenID Connect</strong> was asked to sign you out there too');
    const start = await alice.browser.visit(`${PUBLIC_URL}/auth/start?return_to=/`);
    const asked = await alice.browser.visit(start.location ?? '');
    expect((await alice.browser.visit(asked.location ?? '')).body).toContain('name="password"');
  });

  it('comes to return_to in the end, be it a path of ours or an allowed origin', async () => {
    for (const [returnTo, end] of [
      [`${APP}/bye?a=b&c=%26#d`, `${APP}/bye?a=b&c=%26#d`],
      ['/docs', `${PUBLIC_URL}/docs`],
    ] as const) {
      const person = await signedIn('bob');
      const answer = await confirm(person, onward(await signOut(person, {return_to: returnTo})));
      expect([answer.status, answer.location?.href]).toEqual([303, end]);
    }
  });

  it('everywhere, where the form says so', async () => {
    const [here, there] = [await signedIn('carol'), await signedIn('carol')];
    const page = await signOut(here, {all: 'true'});
    expect(onward(page).searchParams.has('id_token_hint')).toBe(true);
    expect([await status(here), await status(there)]).toEqual([401, 401]);
    expect([await rowOf(here), await rowOf(there)]).toEqual([undefined, undefined]);
  });

  it.each([
    ['//evil.example', String.raw`/\evil.example`],
    ['https://evil.example', 'https://app.example.com.evil.example', 'javascript:alert(1)'],
    ['/auth/callback', '/auth/start'],
  ])('is never sent to %s, and is signed out all the same', async (...texts) => {
    for (const returnTo of texts) {
      const person = await signedIn('dave');
      const answer = await signOut(person, {return_to: returnTo});
      expect([answer.status, await status(person)]).toEqual([400, 401]);
      expect(answer.body).not.toContain('evil');
      // Nor by a state that someone makes up.
      const state = Buffer.from(JSON.stringify(['oidc', returnTo])).toString('base64url');
      for (const query of [{state}, {provider: 'oidc', return_to: returnTo}]) {
        const search = new URLSearchParams(query as Record<string, string>).toString();
        const end = await person.browser.visit(`${PUBLIC_URL}/auth/signed-out?${search}`);
        expect([end.status, end.location]).toEqual([200, undefined]);
        expect(end.body).not.toMatch(/evil|javascript:|href="[^"]*callback/);
      }
    }
  });

  it('without a session goes where it would have led', async () => {
    const nobody = {browser: browserAt(() => server), secret: '', cookie: ''};
    expect((await signOut(nobody)).location?.pathname).toBe('/auth/signed-out');
    expect((await signOut(nobody, {return_to: `${APP}/`})).location?.href).toBe(`${APP}/`);
    expect((await signOut(nobody, {return_to: 'https://evil.example'})).status).toBe(400);
  });

  it.each(['x', '%00', '{}', 'bnVsbA', 'W10', 'WzFd', '%22'])('a state of %s is no state', async (state) => {
    const answer = await browserAt(() => server).visit(`${PUBLIC_URL}/auth/signed-out?state=${state}`);
    expect([answer.status, answer.body.includes('You are signed out')]).toEqual([200, true]);
  });
});

describe('a client that is no browser', () => {
  it('gets 204 as ever, with the cookie too', async () => {
    const {browser} = await signedIn('erin');
    const answer = await browser.visit(`${PUBLIC_URL}/auth/logout`, {json: {all: true, return_to: '/x'}});
    expect([answer.status, answer.body, answer.location]).toEqual([204, '', undefined]);
  });
});

describe('where the provider is not asked', () => {
  // A provider of their own, for they do it harm.
  let provider: RunningProvider;
  const others: RunningServer[] = [];
  beforeAll(async () => {
    provider = await ownProvider();
  });
  afterEach(async () => {
    provider.setIntercept(undefined);
    await Promise.all(others.splice(0).map((other) => other.stop(0)));
  });
  afterAll(() => provider.close());

  async function ownServer(env: Record<string, string> = {}): Promise<RunningServer> {
    const intervals = {providerGoodMs: 50, providerBadMs: 50};
    const other = await stack.server({OIDC_ISSUER_URL: provider.issuer, ...env}, {intervals});
    others.push(other);
    return other;
  }

  const words = 'You may still be signed in at <strong>OpenID Connect</strong>';

  /** The page at the end, which is on the way to return_to as well. */
  async function pageOf(person: Person): Promise<string> {
    const answer = await signOut(person, {return_to: `${APP}/bye`});
    expect([answer.status, answer.location?.pathname]).toEqual([303, '/auth/signed-out']);
    expect(await status(person)).toBe(401);
    const page = await person.browser.visit(answer.location ?? '');
    expect(page.body).toContain(`href="${APP}/bye">Continue to app.example.com</a>`);
    return page.body;
  }

  it('for it has no end_session_endpoint', async () => {
    const lacking = await ownProvider({rpInitiatedLogout: false});
    try {
      const other = await ownServer({OIDC_ISSUER_URL: lacking.issuer});
      expect(await pageOf(await signedIn('frank', other))).toContain(words);
    } finally {
      await lacking.close();
    }
  });

  it('for its end_session_endpoint is nothing for a browser', async () => {
    const other = await ownServer();
    const asked = () => other.services.providers.all[0]?.endSessionUrl(ASKED) ?? {};
    await until('the provider is there', () => 'url' in asked());
    for (const endpoint of [
      'javascript:alert(1)',
      'http://id.example.net/end',
      'https://a:b@id.example.net/',
      'x',
    ]) {
      changeMetadata(provider, {end_session_endpoint: endpoint});
      await until(endpoint, () => 'why' in asked());
      expect(asked()).toEqual({why: 'unsupported'});
      provider.setIntercept(undefined);
      await until('the metadata is as before', () => 'url' in asked());
    }
  });

  it('for it is down', async () => {
    const other = await ownServer();
    const person = await signedIn('grace', other);
    provider.setIntercept((request) => {
      request.socket.destroy();
      return true;
    });
    await until('the provider is down', () => other.services.providers.all[0]?.health.state === 'down');
    expect(await pageOf(person)).toContain(words);
  });

  it('for that is switched off: straight on, without a word', async () => {
    const other = await ownServer({RP_INITIATED_LOGOUT: 'Off'});
    const person = await signedIn('heidi', other);
    const answer = await signOut(person, {return_to: `${APP}/bye`});
    expect([answer.status, answer.location?.href]).toEqual([303, `${APP}/bye`]);
    const next = await signOut(await signedIn('heidi', other));
    expect(next.location?.href).toBe(`${PUBLIC_URL}/auth/signed-out`);
  });
});

const ownProvider = (more: Partial<ProviderOptions> = {}): Promise<RunningProvider> =>
  startProvider({
    clients: [
      {clientId: 'auth-server', clientSecret: CLIENT_SECRET, redirectUris: [`${PUBLIC_URL}/auth/callback`]},
    ],
    ...more,
  });

const ASKED = {idToken: undefined, email: undefined, state: 'x'};

function changeMetadata(provider: RunningProvider, changes: Record<string, unknown>): void {
  provider.setIntercept(async (request, response) => {
    if (request.url !== '/.well-known/openid-configuration') return false;
    response.writeHead(200, {'content-type': 'application/json'}).end(
      JSON.stringify({
        issuer: provider.issuer,
        authorization_endpoint: `${provider.issuer}/auth`,
        token_endpoint: `${provider.issuer}/token`,
        jwks_uri: `${provider.issuer}/jwks`,
        ...changes,
      }),
    );
    return true;
  });
}
