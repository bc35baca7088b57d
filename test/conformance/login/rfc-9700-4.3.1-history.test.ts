import {describe, expect, it} from 'vitest';
import {authServer, begin, browserOf, HOME, theWorld} from '../../support/server/auth-server.ts';

describe('RFC 9700 4.3.1: a code that stays in the history of a browser is of no use', () => {
  it.each<[string, Record<string, string>, number]>([
    ['that is sent on to where the person wanted to go', {return_to: '/app'}, 303],
    ['that gets tokens', {}, 200],
  ])('a browser %s cannot come back to the callback', async (_name, query, status) => {
    const server = await authServer();
    const {op} = await theWorld();
    const browser = browserOf(server);
    const back = op.redirect(await begin(browser, server, query));
    const answer = await browser.visit(back);
    expect([answer.status, answer.headers['cache-control']]).toEqual([status, 'no-store']);
    expect(answer.location?.href).toBe(status === 303 ? `${HOME}/app` : undefined);
    op.requests.length = 0;
    expect((await browser.visit(back)).status).toBe(400);
    expect(op.requests).not.toContain('/token');
  });
});
