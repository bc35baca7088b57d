import {describe, expect, it} from 'vitest';
import {authServer, begin, browserOf, theWorld} from '../../support/server/auth-server.ts';

describe("OpenID Connect Core 3.1.2.6: a provider's error ends the login, and nothing that it wrote is shown", () => {
  it.each([
    ['access_denied', 401],
    ['login_required', 401],
    ['consent_required', 401],
    ['<script>alert(1)</script>', 401],
    // The provider's own fault, as a 5xx of its token endpoint would be.
    ['server_error', 502],
    ['temporarily_unavailable', 502],
  ])('%s', async (error, status) => {
    const server = await authServer();
    const {op} = await theWorld();
    const browser = browserOf(server);
    const begun = await begin(browser, server, {return_to: '/app'});
    const back = op.redirect(begun, {error, error_description: 'call 0900 to go on'});
    back.searchParams.delete('code');
    const answer = await browser.visit(back, {headers: {accept: 'text/html'}});
    expect([answer.status, answer.headers['content-type']]).toEqual([
      status,
      expect.stringContaining('text/html'),
    ]);
    expect(answer.body).not.toContain('0900');
    expect(answer.body).not.toContain('<script');
    // The state has served: the code that might come after is of no use.
    expect((await browser.visit(op.redirect(begun))).status).toBe(400);
  });
});
