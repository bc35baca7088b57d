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
  const authenticated = configuration.introspection === undefined ? [] : CLIENT_METHODS;
  const metadata = JSON.stringify({
    issuer: configuration.tokens.issuer,
    // A login is begun and answered by this server's own routes: no grant of RFC 6749 that needs an authorization
    // endpoint is offered, and no response type.
    token_endpoint: `${origin}/auth/refresh`,
    jwks_uri: `${origin}/.well-known/jwks.json`,
    response_types_supported: [],
    grant_types_supported: ['refresh_token'],
    token_endpoint_auth_methods_supported: ['none'],
    revocation_endpoint: `${origin}/auth/revoke`,
    revocation_endpoint_auth_methods_supported: ['none', ...authenticated],
    ...(authenticated.length === 0
      ? {}
      : {
          introspection_endpoint: `${origin}/auth/introspect`,
          introspection_endpoint_auth_methods_supported: authenticated,
        }),
  });
  for (const path of metadataPaths(configuration.tokens.issuer))
    app.get(path, (_request, reply) =>
      reply
        .header('cache-control', CACHE_CONTROL)
        .header('cross-origin-resource-policy', 'cross-origin')
        .type('application/json; charset=utf-8')
        .serializer(String)
        .send(metadata),
    );
}

/** How the client of INTROSPECTION_CLIENT_ID may say who it is. */
const CLIENT_METHODS = ['client_secret_basic', 'client_secret_post'];

/** Where the metadata stands: between an issuer's host and its path, if it has one (RFC 8414, section 3). */
function metadataPaths(issuer: string): string[] {
  const base = '/.well-known/oauth-authorization-server';
  const path = new URL(issuer).pathname.replace(/\/$/, '');
  // What a route of the framework's would take for a parameter cannot stand in one.
  return path === '' || /[:*]/.test(path) ? [base] : [base, base + path];
}
