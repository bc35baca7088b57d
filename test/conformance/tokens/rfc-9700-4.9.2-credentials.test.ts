import {describe, expect, it} from 'vitest';
import {authServer, logIn, statusOf, theWorld} from '../../support/server/auth-server.ts';

describe('RFC 9700 4.9.2: access tokens are treated as credentials: no log and no table holds one', () => {
  it('neither one that is used nor one that is refused', async () => {
    const server = await authServer();
    const {database, servers} = await theWorld();
    const {access_token: token} = await logIn(server);
    const refused = `${token.slice(0, -8)}AAAAAAAA`;
    for (const path of ['/auth/verify', '/auth/me', '/auth/sessions']) {
      expect(await statusOf(server, token, path)).toBe(200);
      expect(await statusOf(server, refused, path)).toBe(401);
    }
    // Nor where it comes by a way that no token should.
    expect((await fetch(`${server.url}/auth/verify?access_token=${token}`)).status).toBe(401);

    const {rows} = await database.asSuperuser(
      `SELECT string_agg(query_to_xml(format('SELECT * FROM %I.%I', schemaname, tablename), true, true, '')::text, '') AS text
         FROM pg_tables WHERE schemaname = '_system'`,
    );
    const [row] = rows as {text: string}[];
    const places = {logs: servers.logs.join(''), tables: row?.text ?? ''};
    expect(places.logs).toContain('session_created');
    expect(places.tables).toContain('refresh_token_hash');
    for (const text of Object.values(places))
      for (const part of [token, ...token.split('.').slice(1), refused]) expect(text).not.toContain(part);
  });

  it('and no cache', async () => {
    const server = await authServer();
    const {access_token: token} = await logIn(server);
    for (const path of ['/auth/me', '/auth/sessions']) {
      const answer = await fetch(server.url + path, {headers: {authorization: `Bearer ${token}`}});
      expect(answer.headers.get('cache-control')).toContain('no-store');
    }
  });
});
