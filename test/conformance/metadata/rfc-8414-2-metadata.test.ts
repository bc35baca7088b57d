import {describe, expect, it} from 'vitest';
import {authServer, HOME} from '../../support/server/auth-server.ts';
import {gatewayServer} from '../support/gateway.ts';

const of = async (server: {url: string}): Promise<Record<string, unknown>> =>
  (await (await fetch(`${server.url}/.well-known/oauth-authorization-server`)).json()) as Record<
    string,
    unknown
  >;

describe('RFC 8414 2: the metadata names the issuer and the endpoints that there are, and no others', () => {
  it('with how a client proves itself at each', async () => {
    expect(await of(await authServer())).toEqual({
      issuer: HOME,
      token_endpoint: `${HOME}/auth/refresh`,
      token_endpoint_auth_methods_supported: ['none'],
      grant_types_supported: ['refresh_token'],
      response_types_supported: [],
      jwks_uri: `${HOME}/.well-known/jwks.json`,
      revocation_endpoint: `${HOME}/auth/revoke`,
      revocation_endpoint_auth_methods_supported: ['none'],
    });
  });

  it('introspection only where there is a client for it', async () => {
    expect(await of(await gatewayServer())).toMatchObject({
      introspection_endpoint: `${HOME}/auth/introspect`,
      introspection_endpoint_auth_methods_supported: ['client_secret_basic', 'client_secret_post'],
      revocation_endpoint_auth_methods_supported: ['none', 'client_secret_basic', 'client_secret_post'],
    });
  });

  it('each endpoint that it names is there', async () => {
    const server = await gatewayServer();
    for (const [name, value] of Object.entries(await of(server))) {
      if (!/_endpoint$|^jwks_uri$/.test(name)) continue;
      const method = name === 'jwks_uri' ? 'GET' : 'POST';
      const answer = await fetch(server.url + new URL(String(value)).pathname, {method});
      expect([name, answer.status === 404 || answer.status === 405]).toEqual([name, false]);
    }
  });
});
