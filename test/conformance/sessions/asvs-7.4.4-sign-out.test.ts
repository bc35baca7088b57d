import {describe, expect, it} from 'vitest';
import {formsOf} from '../support/pages.ts';
import {authServer, HOME, someone, visit} from '../../support/server/auth-server.ts';

describe('OWASP ASVS 7.4.4: the page of someone who is signed in has a sign-out on it', () => {
  it('which ends the session', async () => {
    const server = await authServer();
    const {browser} = await visit(server, {claims: {sub: someone()}}, {return_to: '/app'});
    const page = await browser.visit(`${HOME}/auth/account`, {headers: {accept: 'text/html'}});
    const form = formsOf(page).find(({action}) => action.pathname === '/auth/account/sign-out');
    expect(page.body).toContain('Sign out');
    const answer = await browser.visit(form?.action ?? '', {form: form?.fields ?? {}});
    expect([answer.status, answer.body.includes('Your session here has ended')]).toEqual([200, true]);
    expect((await browser.visit(`${HOME}/auth/verify`)).status).toBe(401);
  });
});
