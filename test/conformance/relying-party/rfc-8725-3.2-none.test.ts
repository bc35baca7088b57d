import {afterAll, beforeAll, describe, expect, it} from 'vitest';

import {startRelyingParty, type RelyingParty} from '../../support/server/relying-party.ts';

let rp: RelyingParty;
beforeAll(async () => {
  rp = await startRelyingParty();
});
afterAll(() => rp.close());

describe('RFC 8725 3.2: a token without a signature is never taken', () => {
  it.each(['none', 'None', 'NONE', 'nOnE', ''])('refuses alg %j', async (alg) => {
    expect(
      await rp.refusal({
        idToken: (claims) => {
          const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
          return `${part({alg})}.${part(claims)}.`;
        },
      }),
    ).toMatch(/alg|JWT|JWS/i);
  });
});
