import {describe, expect, it} from 'vitest';
import {statusOf} from '../../support/server/auth-server.ts';
import {goodToken} from '../../support/server/access-token.ts';

describe('RFC 8725 3.9: a token for another audience is refused, where the same key signs for several', () => {
  it('compares exactly', async () => {
    const {server, forge} = await goodToken({JWT_AUDIENCE: 'orders,invoices'});
    for (const [aud, status] of [
      ['orders', 200],
      [['invoices'], 200],
      [['somebody', 'orders'], 200],
      ['Orders', 401],
      ['orders2', 401],
      ['orders,invoices', 401],
      [[['orders']], 401],
      [{orders: true}, 401],
    ] as const)
      expect([aud, await statusOf(server, await forge({claims: {aud}}))]).toEqual([aud, status]);
  });
});
