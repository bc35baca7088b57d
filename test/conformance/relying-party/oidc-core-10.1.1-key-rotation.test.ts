import {afterAll, beforeAll, describe, expect, it} from 'vitest';
import {randomUUID} from 'node:crypto';
import {SignJWT} from 'jose';

import {startRelyingParty, type RelyingParty} from '../../support/server/relying-party.ts';

let rp: RelyingParty;
beforeAll(async () => {
  rp = await startRelyingParty();
});
afterAll(() => rp.close());

describe('OpenID Connect Core 10.1.1: keys are fetched anew where a token names a new one', () => {
  it('follows a rotation a moment before the token was signed', async () => {
    await rp.login();
    rp.op.rotate('two');
    expect(await rp.login()).toMatchObject({subject: 'user-1'});
  });

  it('does not fetch for every unknown kid of a flood', async () => {
    rp.op.requests.length = 0;
    await Promise.allSettled(
      Array.from({length: 20}, () =>
        rp.login({
          idToken: (claims, {key}) =>
            new SignJWT(claims).setProtectedHeader({alg: 'RS256', kid: randomUUID()}).sign(key),
        }),
      ),
    );
    expect(rp.op.requests.filter((path) => path === '/jwks').length).toBeLessThanOrEqual(1);
  });
});
