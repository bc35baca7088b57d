import {describe, expect, it} from 'vitest';
import {holdSession, postForm} from '../../support/server/sessions.ts';
import {refresh, someone} from '../../support/server/auth-server.ts';
import {basicOf, gatewayServer, introspect} from '../support/gateway.ts';

const server = await gatewayServer();

describe('RFC 7662 4: nobody can scan for tokens', () => {
  it('who is no client of it learns the same of a good token and of none', async () => {
    const {access, refresh: token} = await holdSession(server, {subject: someone()});
    const told = await Promise.all(
      [access, token, 'x'.repeat(43), 'a.b.c'].flatMap((each) =>
        [{}, basicOf('gateway one', 'guessed'), basicOf('other', 'guessed')].map(async (headers) => {
          const answer = await postForm(server, '/auth/introspect', {token: each}, headers);
          return `${answer.status} ${(await answer.text()).replace(/"request_id":"[^"]+"/, '')}`;
        }),
      ),
    );
    expect(new Set(told).size).toBe(1);
    expect(told[0]).toMatch(/^401 /);
  });

  it('the client is not told a spent token, an ended one and one that never was apart', async () => {
    const [spent, ended] = [
      await holdSession(server, {subject: someone()}),
      await holdSession(server, {subject: someone()}),
    ];
    await refresh(server, spent.refresh);
    await postForm(server, '/auth/revoke', {token: ended.refresh});
    for (const token of [spent.refresh, ended.refresh, ended.access, 'x'.repeat(43), 'a.b.c'])
      expect(await introspect(token)).toEqual({active: false});
  });
});
