// Addresses elsewhere, in every spelling, wherever a person could be led by one.
import {beforeAll, describe, expect, it} from 'vitest';
import type {RunningServer} from '../../src/server/server.ts';
import {EVIL, spellings} from '../../src/attack/login.ts';
import {authServer, begin, browserOf, HOME, someone, theWorld, visit} from '../support/server/auth-server.ts';

let server: RunningServer;
beforeAll(async () => {
  server = await authServer();
});

/** As a browser reads it on our own pages: what is not ours and not allowed is elsewhere. */
const elsewhere = (address: URL): boolean => ![HOME, 'https://app.example.com'].includes(address.origin);

const linksElsewhere = (body: string): string[] =>
  [...body.matchAll(/\b(?:href|action|src|url)="?([^";]*)"/g)]
    .map(([, link = '']) => link)
    .filter((link) => elsewhere(new URL(link, HOME)));

describe('no login begins that would end elsewhere, and no answer leads there', () => {
  it.each(spellings(new URL(HOME)))('%j', async (spelling) => {
    const query = new URLSearchParams({return_to: spelling});
    for (const accept of ['application/json', 'text/html']) {
      const answer = await browserOf(server).visit(`${HOME}/auth/start?${String(query)}`, {
        headers: {accept},
      });
      expect([answer.status, answer.location, answer.headers['set-cookie']]).toEqual([
        400,
        undefined,
        undefined,
      ]);
      expect(linksElsewhere(answer.body)).toEqual([]);
    }
  });

  it.each([`return_to=/ok&return_to=//${EVIL}`, `return_to=//${EVIL}&return_to=/ok`])(
    'given twice: %s',
    async (query) => {
      const {status, location} = await browserOf(server).visit(`${HOME}/auth/start?${query}`);
      expect([status, location]).toEqual([400, undefined]);
    },
  );

  it('under a name that only looks like it, it is nothing: the login leads to the provider and ends with tokens', async () => {
    const {op} = await theWorld();
    const browser = browserOf(server);
    const asked = await begin(browser, server, {'return_to[]': `//${EVIL}`, RETURN_TO: `//${EVIL}`});
    expect(asked.origin).toBe(new URL(op.issuer).origin);
    op.answer = {claims: {sub: someone()}};
    const {status, location} = await browser.visit(op.redirect(asked));
    op.answer = {};
    expect([status, location]).toEqual([200, undefined]);
  });

  it('the address that is added to the answer of the provider counts for nothing', async () => {
    const {op} = await theWorld();
    const browser = browserOf(server);
    const asked = await begin(browser, server, {return_to: '/app'});
    op.answer = {claims: {sub: someone()}};
    const back = op.redirect(asked, {return_to: `https://${EVIL}`, redirect_uri: `https://${EVIL}`});
    const answer = await browser.visit(back);
    op.answer = {};
    expect([answer.status, answer.location?.href]).toEqual([303, `${HOME}/app`]);
  });

  it('nor does one in the refusal of the provider', async () => {
    const {op} = await theWorld();
    const browser = browserOf(server);
    const asked = await begin(browser, server, {return_to: '/app'});
    const back = op.redirect(asked);
    back.search = new URLSearchParams({
      error: 'access_denied',
      error_description: `<a href="https://${EVIL}">go on</a>`,
      error_uri: `https://${EVIL}`,
      state: back.searchParams.get('state') ?? '',
    }).toString();
    const answer = await browser.visit(back, {headers: {accept: 'text/html'}});
    expect(answer.status).toBe(401);
    expect(answer.location).toBeUndefined();
    expect(answer.body).not.toContain(EVIL);
  });
});

describe('no sign-out ends elsewhere', () => {
  it.each(spellings(new URL(HOME)))('%j', async (spelling) => {
    const browser = browserOf(server);
    const headers = {accept: 'text/html'};
    const refused = await browser.visit(`${HOME}/auth/logout`, {form: {return_to: spelling}, headers});
    expect([refused.status, refused.location]).toEqual([400, undefined]);
    const state = Buffer.from(JSON.stringify(['oidc', spelling])).toString('base64url');
    for (const query of [{state}, {return_to: spelling}, {state: spelling}] as Record<string, string>[]) {
      const search = String(new URLSearchParams(query));
      const end = await browser.visit(`${HOME}/auth/signed-out?${search}`, {headers});
      // One that is longer than any address is no request at all.
      expect([200, 400]).toContain(end.status);
      expect([end.location, linksElsewhere(end.body)]).toEqual([undefined, []]);
    }
  });
});

describe('the pages lead on to themselves, whatever stands in their address', () => {
  it.each(['/auth/account', '/auth/signed-out'])('%s', async (path) => {
    const browser = browserOf(server);
    const claims = {sub: someone()};
    await visit(server, {claims}, {return_to: '/auth/account'}, browser);
    const query = `return_to=//${EVIL}&ended=//${EVIL}&next=//${EVIL}&redirect_uri=//${EVIL}`;
    const page = await browser.visit(`${HOME}${path}?${query}`, {headers: {accept: 'text/html'}});
    expect(page.status).toBe(200);
    expect(page.body).not.toContain(EVIL);
  });
});
