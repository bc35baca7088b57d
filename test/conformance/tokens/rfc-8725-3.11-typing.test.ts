import {describe, expect, it} from 'vitest';
import {statusOf} from '../../support/server/auth-server.ts';
import {goodToken} from '../../support/server/access-token.ts';

describe('RFC 8725 3.11: only a token that says at+jwt is an access token, whoever signed it', () => {
  it.each(['JWT', 'jwt', 'logout+jwt', 'dpop+jwt', 'xat+jwt', 'at+jwt2', '', undefined])(
    'refuses typ %j',
    async (typ) => {
      const {server, forge} = await goodToken();
      expect(await statusOf(server, await forge({header: {typ}}))).toBe(401);
    },
  );

  it('takes it in capitals and with its full name (RFC 7515 4.1.9)', async () => {
    const {server, forge} = await goodToken();
    for (const typ of ['AT+JWT', 'application/at+jwt'])
      expect(await statusOf(server, await forge({header: {typ}}))).toBe(200);
  });
});
