import {afterAll, beforeAll, describe, expect, it} from 'vitest';
import {startRelyingParty, type RelyingParty} from '../../support/server/relying-party.ts';

let attacker: RelyingParty;
let honest: RelyingParty;
beforeAll(async () => {
  [honest, attacker] = await Promise.all([startRelyingParty(), startRelyingParty()]);
});
afterAll(() => Promise.all([honest.close(), attacker.close()]));

describe('OpenID Connect Discovery 7.2: a provider speaks for its own issuer alone, in its metadata and in its tokens', () => {
  it("whose metadata is good cannot sign for another's users", async () => {
    const {issuer} = honest.op;
    expect(await attacker.refusal({claims: {iss: issuer, sub: 'admin'}})).toMatch(/iss/);
  });

  it("nor with another's token, which it was given", async () => {
    const {SignJWT} = await import('jose');
    const {issuer} = honest.op;
    expect(
      await attacker.refusal({
        idToken: (claims) =>
          new SignJWT({...claims, iss: issuer})
            .setProtectedHeader({alg: 'RS256', kid: 'one'})
            .sign(honest.op.key),
      }),
    ).toMatch(/iss|signature/);
  });
});
