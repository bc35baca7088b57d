import {describe, expect, it} from 'vitest';
import {authServer, begin, browserOf, HOME, theWorld} from '../../support/server/auth-server.ts';

describe('RFC 9700 4.7.1: only the browser that began a login can end it, once', () => {
  it('in another browser it is refused, and is not used up', async () => {
    const server = await authServer();
    const {op} = await theWorld();
    const [person, other] = [browserOf(server), browserOf(server)];
    const back = op.redirect(await begin(person, server));
    await begin(other, server);
    op.requests.length = 0;
    expect((await other.visit(back)).status).toBe(400);
    expect(op.requests).not.toContain('/token');
    expect((await person.visit(back)).status).toBe(200);
    expect((await person.visit(back)).status).toBe(400);
  });

  it('the binding is a cookie of this host alone, hidden from scripts, one a login', async () => {
    const server = await authServer();
    const start = await browserOf(server).visit(`${HOME}/auth/start`);
    expect(start.headers['set-cookie']).toMatch(
      /^__Host-fraiseql-login-[0-9a-f]{16}=[\w-]{43}; Path=\/; Max-Age=600; HttpOnly; SameSite=Lax; Secure$/,
    );
  });

  it.each(['', 'x', 'A'.repeat(43)])('a state that nobody gave out is refused: %j', async (state) => {
    const server = await authServer();
    const answer = await browserOf(server).visit(`${HOME}/auth/callback?code=x&state=${state}`);
    expect(answer.status).toBe(400);
  });
});
