import {describe, expect, it} from 'vitest';
import {decodeJwt} from 'jose';
import {holdSession} from '../../support/server/sessions.ts';
import type {Tokens} from '../../support/login.ts';
import {authServer, someone, visit} from '../../support/server/auth-server.ts';

describe('OWASP ASVS 10.5.2: a user is the subject at an issuer, never an e-mail address', () => {
  const userOf = async (claims: Record<string, unknown>): Promise<unknown> => {
    const {answer} = await visit(await authServer(), {claims});
    return decodeJwt((JSON.parse(answer.body) as Tokens).access_token).sub;
  };

  it('with another address it is the same user', async () => {
    const sub = someone();
    expect(await userOf({sub, email: 'old@example.com'})).toBe(await userOf({sub, email: 'new@example.com'}));
  });

  it('with the address of another it is not that other', async () => {
    const email = `${someone()}@example.com`;
    expect(await userOf({sub: someone(), email})).not.toBe(await userOf({sub: someone(), email}));
  });

  it('the same subject at another issuer is another user', async () => {
    const server = await authServer();
    const subject = someone();
    const [one, other] = await Promise.all(
      ['https://one.example.com', 'https://two.example.com'].map((issuer) =>
        holdSession(server, {issuer, subject}),
      ),
    );
    expect(one?.userId).not.toBe(other?.userId);
  });
});
