import {describe, expect, it} from 'vitest';
import {holdSession} from '../../support/server/sessions.ts';
import {authServer, someone, statusOf} from '../../support/server/auth-server.ts';

describe('RFC 9700 4.10.2: a token for one audience is of no use at another, be it signed with the same key', () => {
  it('nor is its session, which both know', async () => {
    const [orders, invoices, both] = await Promise.all(
      ['orders', 'invoices', 'orders,invoices'].map((audience) => authServer({JWT_AUDIENCE: audience})),
    );
    if (!orders || !invoices || !both) throw new Error('no servers');
    const {access} = await holdSession(orders, {subject: someone()});
    const statuses = await Promise.all([orders, invoices, both].map((server) => statusOf(server, access)));
    expect(statuses).toEqual([200, 401, 200]);
  });
});
