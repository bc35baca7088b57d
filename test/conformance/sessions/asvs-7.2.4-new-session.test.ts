import {describe, expect, it} from 'vitest';
import {authServer, browserOf, HOME, someone, theWorld, visit} from '../../support/server/auth-server.ts';

const cookieOf = (header: string | undefined): string =>
  /__Host-fraiseql-session=([^;]+)/.exec(header ?? '')?.[1] ?? '';

describe('OWASP ASVS 7.2.4: each login makes a new session and ends the one that the browser had', () => {
  it.each(['the same person', 'another person'])('logging in again as %s', async (who) => {
    const server = await authServer();
    const browser = browserOf(server);
    const subject = someone();
    const first = await visit(server, {claims: {sub: subject}}, {return_to: '/app'}, browser);
    const before = cookieOf(first.answer.headers['set-cookie']);
    const {session_id: ended} = JSON.parse((await browser.visit(`${HOME}/auth/me`)).body) as {
      session_id: string;
    };
    const next = who === 'the same person' ? subject : someone();
    const second = await visit(server, {claims: {sub: next}}, {return_to: '/app'}, browser);
    const after = cookieOf(second.answer.headers['set-cookie']);
    expect(after).not.toBe(before);
    const status = async (cookie: string): Promise<number> =>
      (await fetch(`${server.url}/auth/verify`, {headers: {cookie: `__Host-fraiseql-session=${cookie}`}}))
        .status;
    expect([await status(before), await status(after)]).toEqual([401, 200]);
    const {servers} = await theWorld();
    expect(servers.audit().filter(({session, reason}) => session === ended && reason !== undefined)).toEqual([
      expect.objectContaining({event: 'session_revoked', outcome: 'success', reason: 'replaced'}),
    ]);
  });

  it('a cookie that somebody planted before the login is worth nothing after it', async () => {
    const server = await authServer();
    const browser = browserOf(server);
    const planted = 'A'.repeat(43);
    await browser.jar.setCookie(`__Host-fraiseql-session=${planted}; Path=/; Secure`, HOME);
    const {answer} = await visit(server, {claims: {sub: someone()}}, {return_to: '/app'}, browser);
    expect(cookieOf(answer.headers['set-cookie'])).not.toBe(planted);
    const headers = {cookie: `__Host-fraiseql-session=${planted}`};
    expect((await fetch(`${server.url}/auth/verify`, {headers})).status).toBe(401);
  });

  it('a login that fails leaves the session as it was', async () => {
    const server = await authServer();
    const browser = browserOf(server);
    await visit(server, {claims: {sub: someone()}}, {return_to: '/app'}, browser);
    const failed = await visit(server, {claims: {nonce: 'another'}}, {return_to: '/app'}, browser);
    expect(failed.answer.status).toBe(401);
    expect((await browser.visit(`${HOME}/auth/verify`)).status).toBe(200);
  });
});
