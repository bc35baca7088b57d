import type {FastifyInstance} from 'fastify';
import type {Services} from '../../services.ts';

/** How long a client may keep the metadata. Of the keys, JWKS_MAX_AGE says it. */
const CACHE_CONTROL = 'public, max-age=300';

/** The keys that our tokens are signed with (RFC 7517), and what this server is (RFC 8414). */
export function wellKnownRoutes(app: FastifyInstance, services: Services): void {
  const {configuration, tokens} = services;
  app.get('/.well-known/jwks.json', (_request, reply) =>
    reply
      .header('cache-control', `public, max-age=${configuration.tokens.keysMaxAgeSeconds}`)
      .header('cross-origin-resource-policy', 'cross-origin')
      .type('application/json; charset=utf-8')
      .serializer(String)
      .send(tokens.keys.published),
  );

  const {origin} = configuration.login;
  const metadata = JSON.stringify({
    issuer: configuration.tokens.issuer,
    authorization_endpoint: `${origin}/auth/start`,
    token_endpoint: `${origin}/auth/refresh`,
    jwks_uri: `${origin}/.well-known/jwks.json`,
    // A login is begun and answered by this server's own routes, so no response type of RFC 6749 is offered.
    response_types_supported: [],
    grant_types_supported: ['refresh_token'],
    token_endpoint_auth_methods_supported: ['none'],
    revocation_endpoint: `${origin}/auth/revoke`,
    revocation_endpoint_auth_methods_supported: ['none'],
    ...(configuration.introspection === undefined
      ? {}
      : {
          introspection_endpoint: `${origin}/auth/introspect`,
          introspection_endpoint_auth_methods_supported: ['client_secret_basic', 'client_secret_post'],
        }),
  });
  app.get('/.well-known/oauth-authorization-server', (_request, reply) =>
    reply
      .header('cache-control', CACHE_CONTROL)
      .header('cross-origin-resource-policy', 'cross-origin')
      .type('application/json; charset=utf-8')
      .serializer(String)
      .send(metadata),
  );
}
