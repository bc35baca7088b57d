import {describe, expect, it} from 'vitest';
import {authServer, HOME} from '../../support/server/auth-server.ts';

const issuerAt = async (server: {url: string}, path: string): Promise<unknown> => {
  const answer = await fetch(server.url + path);
  return answer.status === 200 ? ((await answer.json()) as {issuer: string}).issuer : answer.status;
};

describe("RFC 8414 3: the metadata stands between an issuer's host and its path, and names that very issuer", () => {
  it('without a path', async () => {
    const server = await authServer();
    expect(await issuerAt(server, '/.well-known/oauth-authorization-server')).toBe(HOME);
    expect(await issuerAt(server, '/.well-known/oauth-authorization-server/tenant')).toBe(404);
  });

  it('with a path', async () => {
    const server = await authServer({JWT_ISSUER: `${HOME}/tenants/one`});
    expect(await issuerAt(server, '/.well-known/oauth-authorization-server/tenants/one')).toBe(
      `${HOME}/tenants/one`,
    );
    expect(await issuerAt(server, '/.well-known/oauth-authorization-server/tenants/two')).toBe(404);
  });
});
