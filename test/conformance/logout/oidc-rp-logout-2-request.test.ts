import {decodeJwt} from 'jose';
import {describe, expect, it} from 'vitest';
import {
  authServer,
  browserOf,
  CLIENT,
  HOME,
  onwardOf,
  someone,
  theWorld,
  visit,
} from '../../support/server/auth-server.ts';

const HTML = {accept: 'text/html'};
const server = await authServer();
const {op} = await theWorld();

describe('OpenID Connect RP-Initiated Logout 2: a sign-out sends the browser to the provider, to end the session there', () => {
  it('with the ID token of its login, our client id, and where to come back to; ours has ended by then', async () => {
    const sub = someone();
    const {browser} = await visit(server, {claims: {sub}}, {return_to: '/app'});
    const answer = await browser.visit(`${HOME}/auth/logout`, {method: 'POST', headers: HTML});
    expect((await browser.visit(`${HOME}/auth/verify`)).status).toBe(401);
    const url = onwardOf(answer);
    expect(url.origin + url.pathname).toBe(`${op.issuer}/logout`);
    expect([...url.searchParams.keys()].toSorted()).toEqual([
      'client_id',
      'id_token_hint',
      'post_logout_redirect_uri',
      'state',
    ]);
    expect(decodeJwt(url.searchParams.get('id_token_hint') ?? '')).toMatchObject({iss: op.issuer, sub});
    expect(url.searchParams.get('client_id')).toBe(CLIENT);
    expect(url.searchParams.get('post_logout_redirect_uri')).toBe(`${HOME}/auth/signed-out`);
  });

  it('with logout_hint where the ID token is not known any more', async () => {
    const identity = {
      provider: 'oidc',
      issuer: op.issuer,
      subject: someone(),
      email: 'x@example.com',
      name: undefined,
    };
    const {secret} = await server.services.sessions.create(identity, 'cookie');
    const browser = browserOf(server);
    await browser.jar.setCookie(`__Host-fraiseql-session=${secret}; Path=/; Secure`, HOME);
    const {searchParams} = onwardOf(
      await browser.visit(`${HOME}/auth/logout`, {method: 'POST', headers: HTML}),
    );
    expect([searchParams.get('logout_hint'), searchParams.get('client_id')]).toEqual([
      'x@example.com',
      CLIENT,
    ]);
    expect(searchParams.has('id_token_hint')).toBe(false);
  });
});
