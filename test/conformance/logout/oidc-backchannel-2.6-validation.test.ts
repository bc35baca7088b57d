import {describe, expect, it} from 'vitest';
import {generateKeyPairSync} from 'node:crypto';
import {SignJWT, UnsecuredJWT} from 'jose';
import {holdSession, verifyStatus} from '../../support/server/sessions.ts';
import {authServer, theWorld} from '../../support/server/auth-server.ts';
import {claims, epoch, EVENT, logoutToken, send, upstream} from '../../support/server/backchannel.ts';

const [a, b] = await Promise.all([authServer(), authServer({}, 2)]);
const stranger = generateKeyPairSync('rsa', {modulusLength: 2048}).privateKey;

describe('OpenID Connect Back-Channel Logout 2.6: a logout token that is not good ends nothing', () => {
  it.each<[string, (sid: string) => Promise<string> | string]>([
    ['no JWT', () => 'nonsense'],
    ['alg none (2)', async (sid) => new UnsecuredJWT(await claims({sid})).encode()],
    [
      'another key (2)',
      async (sid) =>
        new SignJWT(await claims({sid})).setProtectedHeader({alg: 'RS256', kid: 'one'}).sign(stranger),
    ],
    ['another issuer (3)', (sid) => logoutToken({sid, iss: 'https://evil.example.com'})],
    ['another audience (3)', (sid) => logoutToken({sid, aud: 'someone-else'})],
    ['no iat (3)', (sid) => logoutToken({sid, iat: undefined})],
    ['no exp (3)', (sid) => logoutToken({sid, exp: undefined})],
    ['expired (3)', (sid) => logoutToken({sid, iat: epoch() - 300, exp: epoch() - 90})],
    ['neither sub nor sid (4)', () => logoutToken({})],
    ['a sid that is no string (4)', () => logoutToken({sid: 7})],
    ['a sub that is no string (4)', (sid) => logoutToken({sid, sub: {a: 1}})],
    ['no events (5)', (sid) => logoutToken({sid, events: undefined})],
    ['events of another kind (5)', (sid) => logoutToken({sid, events: {'https://example.com/event': {}}})],
    ['events that are no object (5)', (sid) => logoutToken({sid, events: [EVENT]})],
    ['an event that is no object (5)', (sid) => logoutToken({sid, events: {[EVENT]: true}})],
    ['a nonce (6)', (sid) => logoutToken({sid, nonce: 'n'})],
    ['no jti (2.4)', (sid) => logoutToken({sid, jti: undefined})],
    ['the type of an access token (2.4)', (sid) => logoutToken({sid}, {typ: 'at+jwt'})],
  ])('%s', async (_name, token) => {
    const {held, sid} = await upstream(a);
    const answer = await send(await token(sid));
    expect([answer.status, answer.headers.get('cache-control')]).toEqual([400, 'no-store']);
    expect(await answer.json()).toMatchObject({error: 'invalid_request'});
    expect(await verifyStatus(a, held)).toBe(200);
  });

  it('one that was used already, on whichever replica (7)', async () => {
    const {subject} = await upstream(a);
    const {op} = await theWorld();
    const token = await logoutToken({sub: subject});
    const answers = await Promise.all([send(token, a), send(token, b), send(token, a), send(token, b)]);
    const statuses = answers.map(({status}) => status);
    expect(statuses.toSorted((one, other) => one - other)).toEqual([200, 400, 400, 400]);
    const later = await holdSession(a, {issuer: op.issuer, subject});
    expect((await send(token)).status).toBe(400);
    expect(await verifyStatus(a, later)).toBe(200);
  });
});
