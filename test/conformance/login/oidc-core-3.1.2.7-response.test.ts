import {describe, expect, it} from 'vitest';
import {authServer, begin, browserOf, theWorld} from '../../support/server/auth-server.ts';

describe('OpenID Connect Core 3.1.2.7: an authorization response is checked as RFC 6749 says before its code is used', () => {
  it.each<[string, (parameters: URLSearchParams) => void, number]>([
    ['without a state', (parameters) => parameters.delete('state'), 400],
    ['with two states', (parameters) => parameters.append('state', 'x'), 400],
    ['with the state of nobody', (parameters) => parameters.set('state', 'x'), 400],
    ['with two codes', (parameters) => parameters.append('code', 'x'), 400],
    ['with an empty code', (parameters) => parameters.set('code', ''), 400],
    ['with neither code nor error', (parameters) => parameters.delete('code'), 400],
    ['with a code that is too long', (parameters) => parameters.set('code', 'x'.repeat(4097)), 400],
    ['with an error beside the code', (parameters) => parameters.set('error', 'access_denied'), 401],
  ])('one %s is refused, and its code goes nowhere', async (_name, change, status) => {
    const server = await authServer();
    const {op} = await theWorld();
    const browser = browserOf(server);
    const back = op.redirect(await begin(browser, server));
    change(back.searchParams);
    op.requests.length = 0;
    expect((await browser.visit(back)).status).toBe(status);
    expect(op.requests).not.toContain('/token');
  });

  it('parameters that nobody knows are ignored (RFC 6749 4.1.2)', async () => {
    const server = await authServer();
    const {op} = await theWorld();
    const browser = browserOf(server);
    const back = op.redirect(await begin(browser, server), {session_state: 'x', access_token: 'x'});
    expect((await browser.visit(back)).status).toBe(200);
  });
});
