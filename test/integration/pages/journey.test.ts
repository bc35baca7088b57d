import {afterAll, beforeAll, describe, expect, it} from 'vitest';
import {signInAs, signOutOf} from './support/account.ts';
import {person} from './support/chromium.ts';
import {ask, postForm} from './support/in-page.js';
import {APP, EVIL, HOME, SIBLING, startSite, type Site} from './support/site.ts';

let site: Site;

beforeAll(async () => {
  site = await startSite();
});
afterAll(() => site.close());

const SESSION = '__Host-fraiseql-session';

describe.each([
  ['with script', true],
  ['without script', false],
])('a person %s', (_name, javaScriptEnabled) => {
  it('chooses a provider, signs in, ends another session, and signs out', async () => {
    const user = `carol-${String(javaScriptEnabled)}`;
    const elsewhere = await person(site.browser, {javaScriptEnabled});
    await signInAs(elsewhere.page, user);
    const here = await person(site.browser, {javaScriptEnabled});
    const visited: string[] = [];
    here.page.on('framenavigated', (frame) => visited.push(frame.url()));
    await signInAs(here.page, user);

    const list = here.page.getByRole('list', {name: 'Your sessions'}).getByRole('listitem');
    expect(await list.count()).toBe(2);
    expect(await here.page.getByText(`${user}@example.com`).count()).toBe(1);
    expect(await here.page.getByText('This browser').count()).toBe(1);

    // No secret in an address or in the page.
    const cookie = (await here.context.cookies(HOME)).find(({name}) => name === SESSION);
    expect(cookie).toMatchObject({httpOnly: true, secure: true, sameSite: 'Lax', path: '/'});
    const secret = cookie?.value ?? 'none';
    expect([...visited, await here.page.content()].join('\n')).not.toContain(secret);

    await here.page.getByRole('button', {name: 'End session'}).click();
    await here.page.getByRole('status').waitFor();
    expect(await list.count()).toBe(1);
    await elsewhere.page.reload();
    expect(elsewhere.page.url()).toContain('/auth/start');

    await signOutOf(here.page);
    expect((await here.context.cookies(HOME)).filter(({name}) => name === SESSION)).toEqual([]);
    const verify = await fetch(`${site.server.url}/auth/verify`, {headers: {cookie: `${SESSION}=${secret}`}});
    expect(verify.status).toBe(401);
    expect([...here.complaints, ...elsewhere.complaints]).toEqual([]);
    await here.context.close();
    await elsewhere.context.close();
  });
});

it('signs out everywhere', async () => {
  const [one, other] = [await person(site.browser), await person(site.browser)];
  await signInAs(one.page, 'dora');
  await signInAs(other.page, 'dora');
  await signOutOf(other.page, 'Sign out everywhere');
  await one.page.reload();
  expect(one.page.url()).toContain('/auth/start');
  await one.context.close();
  await other.context.close();
});

it('goes on to the application that sent the person, exactly where that said', async () => {
  const {page, context} = await person(site.browser);
  await signInAs(page, 'erin', `${APP}/inbox?a=b&c=%26#d`);
  expect(page.url()).toBe(`${APP}/inbox?a=b&c=%26#d`);
  await context.close();
});

describe('what other origins can do with the cookie of someone who is signed in', () => {
  it.each([
    ['a stranger', EVIL],
    ['a sibling host of the same site', SIBLING],
  ])('%s ends nothing and reads nothing', async (_name, origin) => {
    const {page, context} = await person(site.browser);
    await signInAs(page, 'frank');
    await page.goto(`${origin}/`);
    const json = {method: 'POST', headers: {'content-type': 'application/json'}, body: '{}'};
    const seen = await page.evaluate(ask, [
      {url: `${HOME}/auth/me`},
      {url: `${HOME}/auth/account`},
      {url: `${HOME}/auth/logout`, init: json},
      {url: `${HOME}/auth/logout`, init: {method: 'POST'}},
    ]);
    expect(seen).toEqual(['refused', 'refused', 'refused', 'refused']);
    // A form needs no leave to be sent; its answer is what the person then sees.
    for (const path of ['/auth/logout', '/auth/account/sign-out', '/auth/account/sign-out-everywhere']) {
      await page.goto(`${origin}/`);
      await page.evaluate(postForm, {action: HOME + path});
      await page.waitForURL((url) => url.origin === HOME);
    }
    await page.goto(`${HOME}/auth/account`);
    expect(await page.getByText('This browser').count()).toBe(1);
    await context.close();
  });

  it('an application of an allowed origin reads who is signed in, and signs out', async () => {
    const {page, context, complaints} = await person(site.browser);
    await signInAs(page, 'grace', `${APP}/`);
    const json = {method: 'POST', headers: {'content-type': 'application/json'}, body: '{}'};
    const [me] = await page.evaluate(ask, [{url: `${HOME}/auth/me`}]);
    const [logout] = await page.evaluate(ask, [{url: `${HOME}/auth/logout`, init: json}]);
    expect(me).toMatch(/^200 .*"email":"grace@example.com"/);
    expect(logout).toBe('204 ');
    await page.goto(`${HOME}/auth/account`);
    expect(page.url()).toContain('/auth/start');
    expect(complaints).toEqual([]);
    await context.close();
  });

  it('but cannot send the forms of our pages', async () => {
    const {page, context} = await person(site.browser);
    await signInAs(page, 'heidi', `${APP}/`);
    await page.evaluate(postForm, {action: `${HOME}/auth/account/sign-out-everywhere`});
    await page.getByRole('heading', {name: 'This page is out of date'}).waitFor();
    await page.goto(`${HOME}/auth/account`);
    expect(await page.getByText('This browser').count()).toBe(1);
    await context.close();
  });
});
