import type {StandardName} from './standards.ts';

/** A rule without a test file of its own: kept elsewhere, not ours to keep, or not kept, and why. */
export interface OtherRule {
  readonly standard: StandardName;
  readonly clause: string;
  readonly rule: string;
  /** Files that keep it, from the root of the repository. */
  readonly keptBy?: readonly string[];
  /** A sentence; it begins `Does not apply:` or `Not kept:` where that is so. */
  readonly reason?: string;
}

const of =
  (standard: StandardName) =>
  (clause: string, rule: string, how: Pick<OtherRule, 'keptBy' | 'reason'>): OtherRule => ({
    standard,
    clause,
    rule,
    ...how,
  });

const bcp = of('RFC 9700');
const jwt = of('RFC 8725');
const profile = of('RFC 9068');
const iss = of('RFC 9207');
const revocation = of('RFC 7009');
const introspection = of('RFC 7662');
const metadata = of('RFC 8414');
const core = of('OpenID Connect Core');
const discovery = of('OpenID Connect Discovery');
const rpLogout = of('OpenID Connect RP-Initiated Logout');
const backchannel = of('OpenID Connect Back-Channel Logout');
const asvs = of('OWASP ASVS');

const NO_GRANTS =
  'Does not apply: the server offers applications no authorization endpoint and no code; it is itself the client of the providers';
const BEARER =
  'Not kept: tokens are bearer tokens. A stolen access token lives for SESSION_TIMEOUT_MINUTES and ends at once with its session';

const RP = 'test/conformance/relying-party';
const TOKENS = 'test/conformance/tokens';
const SESSIONS = 'test/conformance/sessions';
const LOGIN = 'test/conformance/login';
const LOGOUT = 'test/conformance/logout';
const SERVER = 'test/integration/server';
const ATTACK = 'test/attack';

/** In any order; the page sorts them. */
export const OTHER_RULES: readonly OtherRule[] = [
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

  core('3.1.3.7(1), 10.2', 'Encrypted ID tokens', {
    reason: 'Does not apply: the client registers none; a JWE is refused as no JWS',
  }),
  core('3.1.3.7(12)', 'acr is one that was asked for', {reason: 'Does not apply: none is asked for'}),
  core('3.1.3.7(13)', 'auth_time is not too long ago, where max_age was asked for', {
    reason: 'Does not apply: max_age is not asked for; how long a session lasts here is REFRESH_TOKEN_TTL',
  }),
  core('3.2, 3.3', 'Implicit and hybrid flow', {
    keptBy: [`${LOGIN}/rfc-9700-2.1.2-no-implicit.test.ts`],
    reason: 'Neither is used',
  }),
  core('12', 'Refresh tokens of the provider', {
    reason:
      'Does not apply: offline_access is not asked for, and what the provider gives beside the ID token is forgotten after the login',
  }),
  core('6', 'Request objects', {
    reason: 'Does not apply: where a provider takes pushed requests (RFC 9126), those are used',
  }),

  discovery('2', 'Finding the issuer by a user’s address (WebFinger)', {
    reason: 'Does not apply: the providers are configured',
  }),

  backchannel('2.1', 'The provider says in its metadata that it sends logout tokens', {
    reason:
      'Does not apply: that is for who registers the address; a good token is taken whether it was announced or not',
  }),
  backchannel('2.2', 'backchannel_logout_uri is registered at the provider', {
    reason: 'By the administrator: docs/server.md names the address',
  }),

  backchannel('3', 'How a provider remembers whom it has to tell', {
    reason: 'Does not apply: the server is no OpenID provider',
  }),

  rpLogout('2', 'ui_locales says which languages the person prefers', {
    reason: 'Does not apply: it is optional, and the provider has the browser’s own word for it',
  }),
  rpLogout('3.1', 'post_logout_redirect_uris are registered at the provider', {
    reason: 'By the administrator: docs/server.md names the address',
  }),
  rpLogout('4, 6', 'What a provider checks of a logout request, and asks the person', {
    reason: 'Does not apply: the server is no OpenID provider',
  }),

  asvs('7.1.1', 'Idle and absolute limits of a session are documented', {
    keptBy: ['docs/server.md'],
  }),
  asvs('7.1.2', 'How many sessions a user may have at once is documented', {
    keptBy: ['docs/server.md'],
    reason: 'Any number; the user sees and ends them',
  }),
  asvs('7.1.3', 'What coordinates sessions with a single sign-on is documented', {
    keptBy: ['docs/server.md'],
  }),
  asvs('7.2.2', 'Sessions have tokens made for them, no static keys', {
    keptBy: [`${SESSIONS}/asvs-7.2.3-entropy.test.ts`, `${TOKENS}/rfc-9068-2.2-claims.test.ts`],
  }),
  asvs('7.4.2', 'All sessions of a user end when the account is disabled', {
    keptBy: [`${LOGOUT}/oidc-backchannel-2.7-actions.test.ts`, `${SERVER}/sessions-command.test.ts`],
    reason:
      'Where the provider says so by a logout token with sub; else by fraiseql-auth sessions end --user',
  }),
  asvs(
    '7.4.3, 7.5.1',
    'Changes of factors and attributes ask for authentication and may end other sessions',
    {
      reason: 'Does not apply: accounts are kept by the provider',
    },
  ),
  asvs('7.4.5', 'An administrator ends sessions of a user, or all', {
    keptBy: [`${SERVER}/sessions-command.test.ts`, `${SERVER}/revocation.test.ts`],
    reason: 'By fraiseql-auth sessions end, or by one UPDATE in the database',
  }),
  asvs('7.5.2', 'Users authenticate again before they end sessions', {
    reason:
      'Not kept: who holds a session may end the others at once; a thief gains nothing by it that he did not have',
  }),
  asvs('7.5.3', 'Sensitive transactions ask for authentication again', {
    reason: 'Does not apply: there are none here; an application asks for its own',
  }),
  asvs('7.6.1', 'Sessions here and at the provider end as documented', {
    keptBy: [
      `${LOGOUT}/oidc-rp-logout-2-request.test.ts`,
      `${LOGOUT}/oidc-backchannel-2.7-actions.test.ts`,
      'docs/server.md',
    ],
  }),
  asvs('7.6.2', 'A session is made only by the user’s act', {
    keptBy: [`${LOGIN}/rfc-9700-4.7.1-csrf.test.ts`],
    reason:
      'Not kept in part: a link to /auth/start begins a login of the browser that follows it, and a provider that knows the person may ask nothing',
  }),

  asvs('9.1.1', 'Tokens are taken only with a signature that is good', {
    keptBy: [`${TOKENS}/rfc-8725-3.3-signature.test.ts`, `${RP}/oidc-core-3.1.3.7-6-signature.test.ts`],
  }),
  asvs('9.1.2', 'Algorithms are of a list, without none and without shared secrets', {
    keptBy: [
      `${TOKENS}/rfc-8725-3.1-algorithm.test.ts`,
      `${TOKENS}/rfc-8725-3.2-none.test.ts`,
      `${RP}/rfc-8725-3.1-algorithm.test.ts`,
    ],
  }),
  asvs('9.1.3', 'Keys come from where they are configured, never from jku, x5u or jwk', {
    keptBy: [`${TOKENS}/rfc-8725-3.10-header.test.ts`, `${RP}/rfc-8725-3.10-header-urls.test.ts`],
  }),
  asvs('9.2.2', 'A token serves its own purpose alone', {
    keptBy: [`${TOKENS}/rfc-8725-3.11-typing.test.ts`, `${RP}/rfc-8725-3.12-other-tokens.test.ts`],
  }),
  asvs('9.2.3', 'Only tokens for this audience are taken', {
    keptBy: [`${TOKENS}/rfc-8725-3.9-audience.test.ts`, `${RP}/oidc-core-3.1.3.7-3-audience.test.ts`],
  }),
  asvs('9.2.4', 'Tokens say for which audience they are', {
    keptBy: [`${TOKENS}/rfc-9068-3-audience.test.ts`],
  }),

  asvs('10.1.2', 'What a provider answers counts in the browser and the login that it was asked by', {
    keptBy: [
      `${LOGIN}/rfc-9700-4.7.1-csrf.test.ts`,
      `${RP}/rfc-9700-4.5.3-code-injection.test.ts`,
      `${SESSIONS}/asvs-7.2.3-entropy.test.ts`,
    ],
  }),
  asvs('10.2.1', 'The code flow is protected against forged requests', {
    keptBy: [`${LOGIN}/rfc-9700-4.7.1-csrf.test.ts`, `${RP}/rfc-9700-2.1.1-pkce.test.ts`],
  }),
  asvs('10.2.2', 'Mix-up of providers', {
    keptBy: [
      `${LOGIN}/rfc-9700-4.4.2-mix-up.test.ts`,
      `${RP}/rfc-9207-2.4-issuer.test.ts`,
      `${ATTACK}/mix-up.test.ts`,
    ],
    reason: 'For a provider without RFC 9207 see RFC 9700 4.4.2',
  }),
  asvs('10.2.3', 'No scope is asked for that is not needed', {
    keptBy: [`${RP}/oidc-core-3.1.2.1-request.test.ts`],
  }),
  asvs('10.3.1', 'A resource takes only tokens for it', {
    keptBy: [`${TOKENS}/rfc-8725-3.9-audience.test.ts`],
  }),
  asvs('10.3.2, 10.3.4', 'Decisions by scope, acr, amr and auth_time', {
    reason: 'Does not apply: tokens hold none; the routes here decide by sub and sid',
  }),
  asvs('10.3.3', 'A user is known by iss and sub', {
    keptBy: [`${LOGIN}/asvs-10.5.2-identity.test.ts`],
  }),
  asvs('10.3.5, 10.4.14', 'Access tokens are bound to their sender', {reason: BEARER}),
  asvs(
    '10.4.1–10.4.3, 10.4.6, 10.4.12, 10.4.13, 10.4.15',
    'Redirect URIs, codes, PKCE and pushed requests of an authorization server',
    {
      reason: NO_GRANTS,
    },
  ),
  asvs('10.4.4', 'No grant but what is needed, never password', {
    keptBy: [`${LOGIN}/rfc-9700-2.4-no-password.test.ts`],
  }),
  asvs('10.4.5', 'A refresh token that comes back ends its session', {
    keptBy: [`${SESSIONS}/rfc-9700-4.14.2-refresh-rotation.test.ts`],
    reason: 'Past the replay window of 30 s, within which the same successor is given again',
  }),
  asvs('10.4.7', 'Registration of clients by themselves', {reason: 'Does not apply: there is none'}),
  asvs('10.4.8', 'Refresh tokens end at an absolute limit', {
    keptBy: [`${SESSIONS}/asvs-7.3.2-absolute.test.ts`],
  }),
  asvs('10.4.9', 'Users revoke their refresh tokens on a page', {
    keptBy: [`${SERVER}/browser-guard.test.ts`, `${SESSIONS}/asvs-7.5.2-own-sessions.test.ts`],
  }),
  asvs('10.4.10', 'Confidential clients authenticate', {
    keptBy: [
      'test/conformance/introspection/rfc-7662-2.1-authorization.test.ts',
      'test/conformance/revocation/rfc-7009-2.1-client.test.ts',
    ],
  }),
  asvs('10.4.11', 'Clients get only the scopes that they need', {
    reason: 'Does not apply: there are no scopes',
  }),
  asvs('10.4.16', 'Clients authenticate by public keys', {
    reason: 'Not kept: the one confidential client has a secret',
  }),
  asvs('10.5.1', 'No ID token is replayed: nonce', {
    keptBy: [`${RP}/oidc-core-3.1.3.7-11-nonce.test.ts`],
  }),
  asvs('10.5.3', 'The metadata’s issuer is exactly the configured one', {
    keptBy: [`${RP}/oidc-discovery-4.3-metadata.test.ts`],
  }),
  asvs('10.5.4', 'The ID token’s aud is our client id', {
    keptBy: [`${RP}/oidc-core-3.1.3.7-3-audience.test.ts`],
  }),
  asvs('10.5.5', 'Logout tokens are of the type logout+jwt, with the event and without a nonce', {
    keptBy: [
      `${LOGOUT}/oidc-backchannel-2.6-validation.test.ts`,
      `${LOGOUT}/oidc-backchannel-2.4-logout-token.test.ts`,
    ],
    reason:
      'Not kept in part: one without a type, or of type JWT, is taken as well, for Back-Channel Logout 2.4 only recommends the type and older providers send none',
  }),
  asvs('10.6, 10.7', 'OpenID providers, and consent', {
    reason: 'Does not apply: the server is no OpenID provider, and no third party asks for consent',
  }),
];
