import {afterAll, beforeAll, describe, expect, it} from 'vitest';
import {startRelyingParty, type RelyingParty} from '../../support/server/relying-party.ts';

let rp: RelyingParty;
beforeAll(async () => {
  rp = await startRelyingParty();
});
afterAll(() => rp.close());

const whole = '{"sub":"user-1","email":"a@example.com"}';

describe('OpenID Connect Core 5.3.4: a userinfo response that cannot be validated is not used', () => {
  it.each<[string, number, string, string]>([
    ['that is a JWT, which was not asked for', 200, 'application/jwt', 'e30.e30.'],
    ['that is no JSON', 200, 'application/json', 'sub=user-1'],
    ['that is a list', 200, 'application/json', `[${whole}]`],
    ['whose sub is no text', 200, 'application/json', '{"sub":1}'],
    ['with another status', 201, 'application/json', whole],
    ['that is an error', 403, 'application/json', '{"error":"insufficient_scope"}'],
    ['that is a fault', 500, 'application/json', whole],
  ])('one %s', async (_name, status, type, body) => {
    const reason = await rp.breakage({
      claims: {email: undefined},
      userinfoAnswer: (response) => void response.writeHead(status, {'content-type': type}).end(body),
    });
    expect(reason).not.toBe('');
  });

  it("its claims do not stand in the way of the ID token's, which are signed", async () => {
    const {subject, claims, name} = await rp.login({
      claims: {email: undefined, name: 'Signed'},
      userinfo: {sub: 'user-1', name: 'Other', iss: 'https://evil.example.com', aud: 'someone'},
    });
    expect([subject, name]).toEqual(['user-1', 'Signed']);
    expect(claims['iss']).toBe(rp.op.issuer);
  });
});
