import {describe, expect, it} from 'vitest';
import {holdSession, postForm} from '../../support/server/sessions.ts';
import {someone} from '../../support/server/auth-server.ts';
import {basicOf, gatewayServer, ID, introspect} from '../support/gateway.ts';

const server = await gatewayServer();

describe('RFC 7662 2.3: a client that is not known gets a 401; a token that is not good is no error', () => {
  it('the 401 has a challenge, and no word on the token', async () => {
    const {access} = await holdSession(server, {subject: someone()});
    const told = await Promise.all(
      [access, 'nonsense'].map(async (token) => {
        const answer = await postForm(server, '/auth/introspect', {token}, basicOf(ID, 'wrong'));
        expect(answer.headers.get('www-authenticate')).toMatch(/^Basic /);
        return [answer.status, (await answer.text()).replace(/"request_id":"[^"]+"/, '')];
      }),
    );
    expect(told[0]).toEqual(told[1]);
    expect(told[0]).toEqual([401, expect.stringContaining('"error":"invalid_client"')]);
  });

  it('what is no token is answered with 200 by {"active":false} alone', async () => {
    for (const token of ['nonsense', '{}', '\u{1f511}', 'a'.repeat(8192)])
      expect(await introspect(token)).toEqual({active: false});
  });
});
