import {afterAll, beforeAll, describe, expect, it} from 'vitest';
import {startHostileProvider, type HostileProvider} from '../../support/server/hostile-provider.ts';
import {authServer, begin, browserOf, CLIENT, theWorld} from '../../support/server/auth-server.ts';

let other: HostileProvider;
beforeAll(async () => {
  other = await startHostileProvider(CLIENT, 'a client secret that is long enough');
});
afterAll(() => other.close());

describe('RFC 9700 4.4.2: an answer counts for the provider that this login was begun with, and for no other', () => {
  it("another's issuer is refused before any code is sent, and the login is over", async () => {
    const server = await authServer();
    const {op} = await theWorld();
    const browser = browserOf(server);
    const authorization = await begin(browser, server);
    const mixed = op.redirect(authorization, {iss: other.issuer});
    op.requests.length = 0;
    expect((await browser.visit(mixed)).status).toBe(401);
    expect([op.requests, other.requests].map((asked) => asked.includes('/token'))).toEqual([false, false]);
    expect((await browser.visit(op.redirect(authorization, {iss: op.issuer}))).status).toBe(400);
  });

  it('the code goes to the token endpoint of the provider that was begun with', async () => {
    const server = await authServer();
    const {op} = await theWorld();
    const browser = browserOf(server);
    const authorization = await begin(browser, server);
    op.requests.length = 0;
    expect((await browser.visit(op.redirect(authorization, {iss: op.issuer}))).status).toBe(200);
    expect(op.requests.filter((path) => path === '/token')).toHaveLength(1);
  });
});
