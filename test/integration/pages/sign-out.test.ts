// Signing out here and at the provider (OpenID Connect RP-Initiated Logout), as a real browser does it.
import type {Page} from 'playwright-core';
import {afterAll, afterEach, beforeAll, expect, it} from 'vitest';
import {until} from '../../support/server/stack.ts';
import {confirmAtProvider, signInAs, signOutOf} from './support/account.ts';
import {person, type Person} from './support/chromium.ts';
import {postForm} from './support/in-page.js';
import {APP, HOME, startSite, type Site} from './support/site.ts';

let site: Site;
let people: Person[] = [];

beforeAll(async () => {
  site = await startSite();
});
afterEach(async () => {
  site.provider.setIntercept(undefined);
  const complaints = people.flatMap((each) => each.complaints);
  await Promise.all(people.map(({context}) => context.close()));
  people = [];
  if (complaints.length > 0) throw new Error(complaints.join('\n'));
});
afterAll(() => site.close());

async function someone(user: string, address?: string): Promise<Page> {
  const one = await person(site.browser);
  people.push(one);
  await signInAs(one.page, user, address);
  return one.page;
}

/** Begins a sign-in with the provider; whether it asks for a password. */
async function isAskedForPassword(page: Page): Promise<boolean> {
  await page.goto(`${HOME}/auth/start?provider=staff&return_to=/auth/account`);
  await page.getByRole('button').first().waitFor();
  return (await page.getByLabel('Password').count()) === 1;
}

it('who signs out is asked for a password again at the provider', async () => {
  const page = await someone('alice');
  await signOutOf(page);
  await page.getByText('Example Staff was asked to sign you out there too').waitFor();
  expect(await isAskedForPassword(page)).toBe(true);
});

it('who says no at the provider is signed out here, and still known there', async () => {
  const page = await someone('bob');
  await page.getByRole('button', {name: 'Sign out'}).click();
  await page.getByRole('button', {name: 'Stay signed in'}).click();
  await page.waitForURL(/\/auth\/signed-out/);
  await page.goto(`${HOME}/auth/account`);
  expect(page.url()).toContain('/auth/start');
  expect(await isAskedForPassword(page)).toBe(false);
});

it('a form of an application leads over the provider, and whatever hosts that leads through, back to the application', async () => {
  const page = await someone('carol', `${APP}/`);
  const elsewhere = site.provider.issuer.replace('127.0.0.1', 'localhost');
  site.provider.setIntercept((request, response) => {
    if (!request.url?.startsWith('/session/end?') || request.url.endsWith('&hop')) return false;
    const isThere = request.headers.host?.startsWith('localhost') === true;
    const location = isThere ? `${site.provider.issuer}${request.url}&hop` : elsewhere + request.url;
    response.writeHead(303, {location}).end();
    return true;
  });
  const fields = {return_to: `${APP}/bye?a=b&c=%26#d`};
  await page.evaluate(postForm, {action: `${HOME}/auth/logout`, fields});
  await confirmAtProvider(page);
  await page.waitForURL(`${APP}/bye?a=b&c=%26#d`);
  expect(await isAskedForPassword(page)).toBe(true);
});

it('while the provider is down: signed out here, and told that it may not be so there', async () => {
  const page = await someone('erin');
  const [provider] = site.server.services.providers.all;
  site.provider.setIntercept((request) => {
    request.socket.destroy();
    return true;
  });
  await until('the provider is down', () => provider?.health.state === 'down');
  await page.getByRole('button', {name: 'Sign out'}).click();
  await page.getByText('You may still be signed in at Example Staff').waitFor();
  await page.goto(`${HOME}/auth/account`);
  expect(page.url()).toContain('/auth/start');
  site.provider.setIntercept(undefined);
  await until('the provider is back', () => provider?.health.state === 'up');
});

it('where the provider has no end_session_endpoint: the same', async () => {
  const page = await someone('frank', `${APP}/`);
  const answer = await fetch(`${site.provider.issuer}/.well-known/openid-configuration`);
  const {end_session_endpoint: _none, ...metadata} = (await answer.json()) as Record<string, unknown>;
  const [provider] = site.server.services.providers.all;
  const asked = () => provider?.endSessionUrl({idToken: undefined, email: undefined, state: 'x'});
  site.provider.setIntercept((request, response) => {
    if (request.url !== '/.well-known/openid-configuration') return false;
    response.writeHead(200, {'content-type': 'application/json'}).end(JSON.stringify(metadata));
    return true;
  });
  await until('the endpoint is gone', () => 'why' in (asked() ?? {}));
  await page.evaluate(postForm, {action: `${HOME}/auth/logout`, fields: {return_to: `${APP}/bye`}});
  await page.getByText('You may still be signed in at Example Staff').waitFor();
  await page.getByRole('link', {name: 'Continue to app.example.com'}).click();
  await page.waitForURL(`${APP}/bye`);
  expect(page.url()).toBe(`${APP}/bye`);
  site.provider.setIntercept(undefined);
  await until('the endpoint is back', () => 'url' in (asked() ?? {}));
});
