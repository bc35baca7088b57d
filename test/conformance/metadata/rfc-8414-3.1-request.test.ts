import {describe, expect, it} from 'vitest';
import {authServer, HOME} from '../../support/server/auth-server.ts';

const PATH = '/.well-known/oauth-authorization-server';

describe('RFC 8414 3.1: the metadata is asked for by GET, by anybody', () => {
  it('at the path of the issuer, without authorization', async () => {
    const {url} = await authServer();
    const answer = await fetch(url + PATH);
    expect([answer.status, answer.headers.get('content-type')]).toEqual([
      200,
      'application/json; charset=utf-8',
    ]);
    expect(await answer.json()).toMatchObject({issuer: HOME});
  });

  it('an issuer with a path has its own after the well-known one, not before it', async () => {
    const {url} = await authServer({JWT_ISSUER: `${HOME}/tenants/one`});
    expect((await fetch(`${url}${PATH}/tenants/one`)).status).toBe(200);
    expect((await fetch(`${url}/tenants/one${PATH}`)).status).toBe(404);
  });

  it.each(['POST', 'PUT', 'DELETE'])('%s is answered with 405', async (method) => {
    const {url} = await authServer();
    const answer = await fetch(url + PATH, {method});
    expect([answer.status, answer.headers.get('allow')]).toEqual([405, expect.stringContaining('GET')]);
  });
});
