// An attacker who would have the victim signed in as the attacker, or be signed in as the victim: both need a login that
// one browser began and another one ends.
import {beforeAll, describe, expect, it} from 'vitest';
import type {RunningServer} from '../../src/server/server.ts';
import type {Browser} from '../support/browser.ts';
import {authServer, begin, browserOf, HOME, someone, theWorld, visit} from '../support/server/auth-server.ts';

let server: RunningServer;
beforeAll(async () => {
  server = await authServer();
});

const SESSION = '__Host-fraiseql-session';

const cookieOf = async (browser: Browser, name: string): Promise<string | undefined> =>
  (await browser.jar.getCookies(HOME)).find(({key}) => key.startsWith(name))?.value;

/** A browser whose owner is signed in by cookie. */
async function signedIn(subject = someone()): Promise<Browser> {
  const {browser} = await visit(server, {claims: {sub: subject}}, {return_to: '/app'});
  expect(await cookieOf(browser, SESSION)).toBeDefined();
  return browser;
}

describe("the attacker's own answer of the provider, in the victim's browser", () => {
  it.each<[string, Record<string, string>]>([
    ['of a login for tokens', {}],
    ['of a login for a cookie', {return_to: '/app'}],
  ])('%s is refused, reaches no token endpoint, and leaves no session', async (_name, query) => {
    const {op} = await theWorld();
    const [attacker, victim] = [browserOf(server), browserOf(server)];
    const back = op.redirect(await begin(attacker, server, query));
    // The victim has a login of their own under way: its cookie is of another state.
    await begin(victim, server, query);
    op.requests.length = 0;
    const answer = await victim.visit(back);
    expect([answer.status, op.requests.includes('/token')]).toEqual([400, false]);
    expect(answer.body).not.toContain('access_token');
    expect(await cookieOf(victim, SESSION)).toBeUndefined();
  });

  it('does not sign out or replace a victim who is signed in', async () => {
    const {op} = await theWorld();
    const victim = await signedIn();
    const before = await cookieOf(victim, SESSION);
    const back = op.redirect(await begin(browserOf(server), server, {return_to: '/app'}));
    expect((await victim.visit(back)).status).toBe(400);
    expect(await cookieOf(victim, SESSION)).toBe(before);
    expect((await victim.visit(`${HOME}/auth/me`)).status).toBe(200);
  });

  it("is refused with the attacker's cookie under another name, and with the cookie of another login", async () => {
    const {op} = await theWorld();
    const attacker = browserOf(server);
    const [one, two] = [await begin(attacker, server), await begin(attacker, server)];
    const cookies = (await attacker.jar.getCookies(HOME)).filter(({key}) => key.includes('fraiseql-login'));
    expect(cookies).toHaveLength(2);
    const [first, second] = cookies;
    const back = op.redirect(one);
    const swapped = `${first?.key}=${second?.value}; ${second?.key}=${first?.value}`;
    const plain = `fraiseql-login=${first?.value}; ${first?.key.replace('__Host-', '')}=${first?.value}`;
    op.requests.length = 0;
    for (const cookie of [swapped, plain, `${first?.key}=`, `${first?.key}=${'A'.repeat(43)}`]) {
      const answer = await fetch(server.url + back.pathname + back.search, {headers: {cookie}});
      expect(answer.status).toBe(400);
    }
    expect(op.requests).not.toContain('/token');
    // None of it used the login up.
    expect((await attacker.visit(back)).status).toBe(200);
    expect((await attacker.visit(op.redirect(two))).status).toBe(200);
  });
});

describe("the victim's own answer, taken by the attacker", () => {
  it('is of no use without the cookie of the browser that began', async () => {
    const {op} = await theWorld();
    const victim = browserOf(server);
    const back = op.redirect(await begin(victim, server));
    expect((await browserOf(server).visit(back)).status).toBe(400);
    // And its code is of no use in a login of the attacker's: the nonce is another one.
    const attacker = browserOf(server);
    const own = op.redirect(await begin(attacker, server));
    own.searchParams.set('code', back.searchParams.get('code') ?? '');
    expect((await attacker.visit(own)).status).toBe(401);
    expect((await victim.visit(back)).status).toBe(200);
  });
});

describe('fixation: a cookie that the attacker planted before the login', () => {
  it('is not what the login ends with, and opens nothing afterwards', async () => {
    const planted = await cookieOf(await signedIn(), SESSION);
    const victim = browserOf(server);
    await victim.jar.setCookie(`${SESSION}=${planted}; Path=/; Secure`, HOME);
    await visit(server, {claims: {sub: someone()}}, {return_to: '/app'}, victim);
    expect(await cookieOf(victim, SESSION)).not.toBe(planted);
    const headers = {cookie: `${SESSION}=${planted}`};
    expect((await fetch(`${server.url}/auth/verify`, {headers})).status).toBe(401);
  });
});

describe("a page of the attacker's, in the browser of someone who is signed in", () => {
  it.each<[string, string, Record<string, string>]>([
    ['signs nobody out', '/auth/logout', {'content-type': 'application/json'}],
    [
      'ends no session by a form',
      '/auth/account/sign-out-everywhere',
      {'content-type': 'application/x-www-form-urlencoded'},
    ],
    [
      'nor by its own site name',
      '/auth/account/sign-out',
      {'content-type': 'application/x-www-form-urlencoded', 'sec-fetch-site': 'same-site'},
    ],
  ])('%s', async (_name, path, headers) => {
    const victim = await signedIn();
    const cookie = await victim.jar.getCookieString(HOME);
    for (const from of [
      {origin: 'https://evil.example'},
      {origin: 'null'},
      {'sec-fetch-site': 'cross-site'},
    ]) {
      const answer = await fetch(server.url + path, {
        method: 'POST',
        headers: {...headers, ...from, cookie},
        body: path === '/auth/logout' ? '{"all":true}' : 'form_token=made-up',
      });
      expect(answer.status).toBe(403);
    }
    expect((await victim.visit(`${HOME}/auth/me`)).status).toBe(200);
  });
});
