import {describe, expect, it} from 'vitest';
import {authServer, browserOf, HOME, onwardOf, someone, visit} from '../../support/server/auth-server.ts';

const APP = 'https://app.example.com';
const server = await authServer();

describe('OpenID Connect RP-Initiated Logout 3: back from the provider, state leads on to where the sign-out was to lead', () => {
  it('to what was allowed when it began', async () => {
    const {browser} = await visit(server, {claims: {sub: someone()}}, {return_to: '/app'});
    const form = {return_to: `${APP}/bye?x=1`};
    const url = onwardOf(await browser.visit(`${HOME}/auth/logout`, {form, headers: {accept: 'text/html'}}));
    const back = new URL(url.searchParams.get('post_logout_redirect_uri') ?? '');
    back.searchParams.set('state', url.searchParams.get('state') ?? '');
    // The person has no session any more, and any replica may answer.
    const answer = await browserOf(await authServer({}, 2)).visit(back);
    expect([answer.status, answer.location?.href]).toEqual([303, `${APP}/bye?x=1`]);
  });

  it('and to no other place, whatever a state says', async () => {
    for (const place of ['https://evil.example/', '//evil.example', 'javascript:alert(1)']) {
      const state = Buffer.from(JSON.stringify(['oidc', place])).toString('base64url');
      const answer = await browserOf(server).visit(`${HOME}/auth/signed-out?state=${state}`);
      expect([answer.status, answer.location]).toEqual([200, undefined]);
      expect(answer.body).not.toContain('evil');
    }
  });

  it('without a state, as of a provider that forgets it, to a page', async () => {
    const answer = await browserOf(server).visit(`${HOME}/auth/signed-out`);
    expect([answer.status, answer.body.includes('You are signed out')]).toEqual([200, true]);
  });
});
