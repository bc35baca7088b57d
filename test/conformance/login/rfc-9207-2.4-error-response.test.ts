import {describe, expect, it} from 'vitest';
import {authServer, begin, browserOf, theWorld} from '../../support/server/auth-server.ts';

describe('RFC 9207 2.4: iss is checked in an error response as well', () => {
  it.each<[string, (issuer: string) => string]>([
    ["the provider's own", (issuer) => issuer],
    ['another', () => 'https://evil.example.com'],
  ])('%s', async (name, iss) => {
    const server = await authServer();
    const {op, servers} = await theWorld();
    const browser = browserOf(server);
    const back = op.redirect(await begin(browser, server), {error: 'access_denied', iss: iss(op.issuer)});
    back.searchParams.delete('code');
    const answer = await browser.visit(back);
    expect(answer.status).toBe(401);
    const id = answer.headers['x-request-id'] ?? '';
    const line = servers.logs.find((entry) => entry.includes(id) && entry.includes('refused')) ?? '';
    expect(line.includes('another issuer')).toBe(name === 'another');
    // The login is over either way.
    expect((await browser.visit(back)).status).toBe(400);
  });
});
