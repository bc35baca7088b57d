import {afterAll, beforeAll, describe, expect, it} from 'vitest';
import {randomUUID} from 'node:crypto';
import {SignJWT} from 'jose';
import {startRelyingParty, type RelyingParty} from '../../support/server/relying-party.ts';

let rp: RelyingParty;
beforeAll(async () => {
  rp = await startRelyingParty();
});
afterAll(() => rp.close());

describe('RFC 8725 3.12: another kind of JWT of the same provider is no ID token', () => {
  it.each<[string, string, Record<string, unknown>]>([
    [
      'a logout token',
      'logout+jwt',
      {
        nonce: undefined,
        sid: 'one',
        jti: randomUUID(),
        events: {'http://schemas.openid.net/event/backchannel-logout': {}},
      },
    ],
    ['an access token', 'at+jwt', {nonce: undefined, client_id: 'auth-server', scope: 'openid'}],
  ])('refuses %s', async (_name, typ, claims) => {
    expect(
      await rp.refusal({
        claims,
        idToken: (all, {key}) =>
          new SignJWT(all).setProtectedHeader({alg: 'RS256', kid: 'one', typ}).sign(key),
      }),
    ).toMatch(/nonce/);
  });
});
