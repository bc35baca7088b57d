import {describe, expect, it} from 'vitest';
import {SignJWT} from 'jose';
import {verifyStatus} from '../../support/server/sessions.ts';
import {authServer, CLIENT, statusOf, theWorld, visit} from '../../support/server/auth-server.ts';
import {claims, epoch, EVENT, logoutToken, send, upstream} from '../../support/server/backchannel.ts';

const server = await authServer();

describe('OpenID Connect Back-Channel Logout 4: no other JWT passes for a logout token, nor a logout token for another', () => {
  it.each<[string, string, Record<string, unknown>]>([
    ['an ID token', 'JWT', {nonce: 'n', events: undefined}],
    ['an ID token with the event', 'JWT', {nonce: 'n'}],
    ['an access token', 'at+jwt', {}],
    ['a security event of another kind', 'secevent+jwt', {}],
  ])('%s of the provider ends no session', async (_name, typ, changes) => {
    const {held, sid, subject} = await upstream(server);
    expect((await send(await logoutToken({sid, sub: subject, ...changes}, {typ}))).status).toBe(400);
    expect(await verifyStatus(server, held)).toBe(200);
  });

  it('our own access token ends none', async () => {
    const {held} = await upstream(server);
    expect((await send(held.access)).status).toBe(400);
    expect(await verifyStatus(server, held)).toBe(200);
  });

  it('a logout token logs nobody in', async () => {
    const {answer} = await visit(server, {
      idToken: async (given, {key}) => {
        const {nonce: _nonce, ...token} = await claims({sub: given.sub, sid: 'one'});
        return new SignJWT(token).setProtectedHeader({alg: 'RS256', kid: 'one', typ: 'logout+jwt'}).sign(key);
      },
    });
    expect(answer.status).toBe(401);
  });

  it('and opens no route', async () => {
    const {sid} = await upstream(server);
    expect(await statusOf(server, await logoutToken({sid}))).toBe(401);
    const {op} = await theWorld();
    const dressed = await new SignJWT({
      iss: op.issuer,
      aud: CLIENT,
      sid,
      exp: epoch() + 60,
      events: {[EVENT]: {}},
    })
      .setProtectedHeader({alg: 'RS256', kid: 'one', typ: 'at+jwt'})
      .sign(op.key);
    expect(await statusOf(server, dressed)).toBe(401);
  });
});
