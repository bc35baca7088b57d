import {describe, expect, it} from 'vitest';
import {createSecretKey} from 'node:crypto';
import {SignJWT} from 'jose';
import {startRelyingParty} from '../../support/server/relying-party.ts';

describe('OpenID Connect Core 3.1.3.7(8): no MAC is taken, whatever the provider says that it signs with', () => {
  it.each(['HS256', 'HS384', 'HS512'])('not %s with the client secret', async (alg) => {
    const rp = await startRelyingParty();
    rp.op.metadata = {id_token_signing_alg_values_supported: [alg]};
    const reason = await rp.refusal({
      idToken: (claims, {clientSecret}) =>
        new SignJWT(claims)
          .setProtectedHeader({alg})
          .sign(createSecretKey(Buffer.from(clientSecret.padEnd(64, '\0')))),
    });
    await rp.close();
    expect(reason).toMatch(/alg/);
  });
});
