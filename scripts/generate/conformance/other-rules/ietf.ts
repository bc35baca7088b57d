import {of, RP, TOKENS, SERVER, ATTACK, type OtherRule} from './rule.ts';

const bcp = of('RFC 9700');
const jwt = of('RFC 8725');
const profile = of('RFC 9068');
const iss = of('RFC 9207');
const revocation = of('RFC 7009');
const introspection = of('RFC 7662');
const metadata = of('RFC 8414');
const NO_GRANTS =
  'Does not apply: the server offers applications no authorization endpoint and no code; it is itself the client of the providers';
const BEARER =
  'Not kept: tokens are bearer tokens. A stolen access token lives for SESSION_TIMEOUT_MINUTES and ends at once with its session';

/** Of the RFCs. */
export const IETF_RULES: readonly OtherRule[] = [
  bcp('2.1, 4.1', 'Redirect URIs of clients are compared exactly', {reason: NO_GRANTS}),
  bcp('2.2.1, 4.10.1', 'Access tokens are bound to their sender', {reason: BEARER}),
  bcp('2.5', 'Clients authenticate by public keys where they can', {
    reason:
      'Not kept in part: at providers the server authenticates by a secret, not by private_key_jwt or mutual TLS',
  }),
  bcp('2.6', 'The metadata is published and used', {
    keptBy: [
      'test/conformance/metadata/rfc-8414-2-metadata.test.ts',
      `${RP}/oidc-discovery-4.3-metadata.test.ts`,
    ],
  }),
  bcp('2.6', 'No authorization response over plain http', {
    reason:
      'Kept in part: a redirect URI on plain http, but for loopback, is warned of at the start, and not refused',
  }),
  bcp('4.4.2', 'A provider that sends no iss is told apart by a redirect URI of its own', {
    keptBy: [`${ATTACK}/mix-up.test.ts`],
    reason:
      'Where it has callback: Own. Of two that send no iss and share a redirect URI the ID token says whose it is, after the code was sent',
  }),
  bcp('4.5.3', 'Against injected codes: PKCE and nonce', {
    keptBy: [`${RP}/rfc-9700-2.1.1-pkce.test.ts`, `${RP}/oidc-core-3.1.3.7-11-nonce.test.ts`],
  }),
  bcp('4.9.2', 'No secret at all stands in a log, a metric, a table or Redis', {
    keptBy: [`${ATTACK}/secrets.test.ts`, `${SERVER}/login.test.ts`],
  }),
  bcp('4.11.2', 'An authorization server is no open redirector', {
    reason:
      'Does not apply: no client registers an address that it would send people to. Where it sends them of itself, see 4.11.1',
  }),
  bcp('4.13', 'An address, a host or a scheme that a client made up gets nobody round a limit', {
    keptBy: [`${ATTACK}/forged-proxy.test.ts`, `${SERVER}/http.test.ts`, `${SERVER}/limits.test.ts`],
  }),
  bcp('4.15', 'A client cannot choose a client_id that passes for a user', {
    reason: 'Does not apply: no client is registered and no token is issued to a client; sub is a hash',
  }),
  bcp('4.17', 'In-browser communication names its recipient', {
    reason: 'Does not apply: nothing is sent by postMessage; the pages run no script',
  }),

  jwt('3.4', 'Points of an ephemeral key (ECDH-ES) are checked', {
    reason: 'Does not apply: nothing is encrypted with JWE',
  }),
  jwt('3.6', 'Nothing is compressed before it is encrypted', {
    reason: 'Does not apply: nothing is encrypted with JWE',
  }),
  jwt('3.12', 'Rules of validation exclude one another: no other kind of token is an access token of ours', {
    keptBy: [`${TOKENS}/rfc-8725-3.11-typing.test.ts`, `${TOKENS}/rfc-9068-5-cross-jwt.test.ts`],
  }),

  profile('2.2.1', 'auth_time, acr and amr, where the authentication is to be told', {
    reason: 'Not kept: optional; the provider alone knows them, and no resource asked for them yet',
  }),
  profile('2.2.3', 'scope, where scopes were asked for', {
    reason: 'Does not apply: applications ask for no scope; what a user may do is theirs to say',
  }),

  iss('2.4', 'iss of a provider that does not announce it is discarded', {
    reason:
      'Not kept in part, as local policy may: the right one is taken, for providers send it without saying so; another ends the login',
  }),
  iss('2, 3', 'An authorization server sends iss, and says so in its metadata', {reason: NO_GRANTS}),

  revocation('2.1', 'The token is one that was issued to the client that asks', {
    reason:
      'Does not apply: tokens are issued to users, all under one client_id. Who holds one may end its session',
  }),
  revocation('2.3', 'Cross-origin revocation from a page', {
    reason:
      'Not kept, as it may be: no other origin may ask it from a script. An application in the browser ends its session at /auth/logout, which the allowed origins may ask',
  }),

  introspection('2.2', 'A token is described for the resource that asks', {
    reason:
      'Kept in part: there is one client that may introspect, and it learns all that the token says; a token for another audience is not active',
  }),

  metadata('2, 3.2', 'response_types_supported is there (2), and lists without an element are not (3.2)', {
    keptBy: ['test/conformance/metadata/rfc-8414-2-metadata.test.ts'],
    reason: 'The two exclude one another for a server without response types; it stands as an empty list',
  }),
  metadata('2.1', 'Signed metadata', {reason: 'Not kept: optional'}),
];
