import {describe, expect, it} from 'vitest';
import {holdSession, postForm} from '../../support/server/sessions.ts';
import {authServer, someone} from '../../support/server/auth-server.ts';
import {goodToken} from '../../support/server/access-token.ts';

const ROUTES = ['/auth/verify', '/auth/me', '/auth/sessions'];

describe('RFC 9068 4: a refused token is answered as RFC 6750 3.1 says, with WWW-Authenticate', () => {
  const ask = async (path: string, authorization?: string): Promise<Response> =>
    fetch((await authServer()).url + path, {headers: authorization === undefined ? {} : {authorization}});

  it.each(ROUTES)('%s asks for a token where none was given, and names no error', async (path) => {
    const answer = await ask(path);
    expect([answer.status, answer.headers.get('www-authenticate')]).toEqual([401, 'Bearer realm="fraiseql"']);
  });

  it.each(ROUTES)('%s says invalid_token of all that is wrong with one, and not what', async (path) => {
    const {forge} = await goodToken();
    const {server} = await goodToken();
    const ended = await holdSession(server, {subject: someone()});
    await postForm(server, '/auth/revoke', {token: ended.refresh});
    const tokens = [
      'nonsense',
      await forge({claims: {exp: Math.floor(Date.now() / 1000) - 10}}),
      await forge({claims: {aud: 'somebody-else'}}),
      ended.access,
    ];
    const said = await Promise.all(
      tokens.map(async (token) => {
        const answer = await ask(path, `Bearer ${token}`);
        const {errors} = (await answer.json()) as {errors: {message: string}[]};
        return [answer.status, answer.headers.get('www-authenticate'), errors[0]?.message];
      }),
    );
    for (const each of said)
      expect(each).toEqual([401, 'Bearer realm="fraiseql", error="invalid_token"', 'Authentication failed']);
  });
});
