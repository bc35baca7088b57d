import {mkdirSync} from 'node:fs';
import {join} from 'node:path';
import type {Page} from 'playwright-core';
import {afterAll, beforeAll, describe, expect, it} from 'vitest';
import {signInAs} from './support/account.ts';
import {person} from './support/chromium.ts';
import {
  focus,
  logoIsShown,
  lowContrast,
  neededWidth,
  transitionOfButtons,
  unlabelled,
} from './support/in-page.js';
import {APP, HOME, LOGO, startSite, type Site} from './support/site.ts';

/** To look at: what people see. */
const SHOTS = join(import.meta.dirname, '../../../build/screenshots');
let site: Site;

beforeAll(async () => {
  mkdirSync(SHOTS, {recursive: true});
  site = await startSite({name: 'Example Cloud', logoUrl: LOGO, color: '#0f766e'});
});
afterAll(() => site.close());

/** How each page is reached by someone new. */
const PAGES: Readonly<Record<string, (page: Page) => Promise<unknown>>> = {
  'sign-in': (page) => page.goto(`${HOME}/auth/start?return_to=${APP}/inbox`),
  error: (page) => page.goto(`${HOME}/auth/callback?state=a&code=b`),
  'signed-out': (page) =>
    page.goto(`${HOME}/auth/signed-out?provider=staff&return_to=${encodeURIComponent(`${APP}/bye`)}`),
  'signing-out': async (page) => {
    // The browser leaves it at once; without that line of it the page can be looked at.
    await page.route('**/auth/account/sign-out', async (route) => {
      const {cookie = '', 'content-type': type = ''} = await route.request().allHeaders();
      const answer = await fetch(`${site.server.url}/auth/account/sign-out`, {
        method: 'POST',
        headers: {cookie, 'content-type': type, origin: HOME},
        body: route.request().postData(),
      });
      const body = (await answer.text()).replace(/<meta http-equiv="refresh"[^>]*>/, '');
      await route.fulfill({status: answer.status, headers: Object.fromEntries(answer.headers), body});
    });
    await signInAs(page, 'bob');
    await page.getByRole('button', {name: 'Sign out', exact: true}).click();
    await page.getByRole('heading', {name: 'Signing out'}).waitFor();
  },
  account: (page) => signInAs(page, 'alice'),
};

describe.each(Object.entries(PAGES))('the page %s', (name, reach) => {
  it.each(['light', 'dark'] as const)('can be read and used in %s, narrow and wide', async (colorScheme) => {
    const {page, context, complaints} = await person(site.browser, {colorScheme});
    await page.setViewportSize({width: 1280, height: 800});
    await reach(page);
    for (const width of [1280, 360, 320]) {
      await page.setViewportSize({width, height: 800});
      if (width > 320)
        await page.screenshot({path: join(SHOTS, `${name}-${colorScheme}-${width}.png`), fullPage: true});
      expect(await page.evaluate(lowContrast)).toEqual([]);
      // No sideways scrolling down to 320 px (WCAG 2.2, 1.4.10).
      expect(await page.evaluate(neededWidth)).toBeLessThanOrEqual(width);
    }
    expect(await page.evaluate(unlabelled)).toEqual([]);
    expect(await page.getAttribute('html', 'lang')).toBe('en');
    expect(await page.title()).toMatch(/ · Example Cloud$/);
    expect(await page.locator('h1').count()).toBe(1);
    expect(await page.locator('main').count()).toBe(1);
    expect(await page.locator('script').count()).toBe(0);
    // The logo is shown, so the policy allows it.
    expect(await page.evaluate(logoIsShown)).toBe(true);
    expect(complaints).toEqual([]);
    await context.close();
  });

  it('is reached by the keyboard from the top down, and shows where the focus is', async () => {
    const {page, context} = await person(site.browser);
    await reach(page);
    const controls = await page.locator('a, button').count();
    const tops: number[] = [];
    for (let count = 0; count < controls; count++) {
      await page.keyboard.press('Tab');
      const focused = await page.evaluate(focus);
      expect(focused).toMatchObject({tag: expect.stringMatching(/^(A|BUTTON)$/), outlineStyle: 'solid'});
      tops.push(focused.top);
    }
    expect(tops).toEqual(tops.toSorted((one, other) => one - other));
    await context.close();
  });
});

it('nothing moves for who wants that', async () => {
  const {page, context} = await person(site.browser, {reducedMotion: 'reduce'});
  await page.goto(`${HOME}/auth/start`);
  expect(await page.evaluate(transitionOfButtons)).toBe('0s');
  await context.close();
});
