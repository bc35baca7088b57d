import {describe, expect, it} from 'vitest';
import {authServer, begin, browserOf, HOME, theWorld} from '../../support/server/auth-server.ts';

describe('RFC 9700 2.1.2: tokens come from the token endpoint, never through the browser', () => {
  it('asks for a code alone', async () => {
    const server = await authServer();
    const asked = (await begin(browserOf(server), server)).searchParams;
    expect(asked.get('response_type')).toBe('code');
    expect(asked.has('response_mode')).toBe(false);
  });

  it('reads no token that the callback brings', async () => {
    const server = await authServer();
    const {op} = await theWorld();
    const browser = browserOf(server);
    const back = op.redirect(await begin(browser, server), {access_token: 'a', id_token: 'a.b.c'});
    back.searchParams.delete('code');
    op.requests.length = 0;
    const answer = await browser.visit(back);
    expect([answer.status, op.requests.filter((path) => path === '/token')]).toEqual([400, []]);
    expect((await browser.visit(`${HOME}/auth/verify`)).status).toBe(401);
  });
});
