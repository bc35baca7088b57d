import {describe, expect, it} from 'vitest';
import {formsOf} from '../support/pages.ts';
import {authServer, HOME, someone, visit} from '../../support/server/auth-server.ts';

describe('RFC 9700 4.12: redirects are 303, which no form and no secret follows', () => {
  it('of a login and of every form', async () => {
    const server = await authServer();
    const {browser, answer} = await visit(server, {claims: {sub: someone()}}, {return_to: '/app'});
    expect(answer.status).toBe(303);
    expect((await browser.visit(`${HOME}/auth/start`)).status).toBe(303);
    const page = await browser.visit(`${HOME}/auth/account`, {headers: {accept: 'text/html'}});
    const forms = formsOf(page);
    expect(forms.length).toBeGreaterThan(0);
    for (const form of forms) {
      const taken = await browser.visit(form.action, {form: form.fields});
      // On the way to the provider stands a page, which is no redirect.
      expect(taken.status).toBe(form.action.pathname.endsWith('/sign-out') ? 200 : 303);
    }
  });
});
