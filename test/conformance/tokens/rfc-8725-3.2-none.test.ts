import {describe, expect, it} from 'vitest';
import {statusOf} from '../../support/server/auth-server.ts';
import {assemble, goodToken} from '../../support/server/access-token.ts';

describe('RFC 8725 3.2: an access token without a signature is never taken', () => {
  it.each(['none', 'None', 'NONE', 'nOnE', ''])('refuses alg %j', async (alg) => {
    const {server, claims, token} = await goodToken();
    const {kid} = server.services.tokens.keys.signer;
    const signature = token.split('.')[2] ?? '';
    for (const last of ['', signature])
      expect(await statusOf(server, assemble({alg, typ: 'at+jwt', kid}, claims, last))).toBe(401);
  });
});
