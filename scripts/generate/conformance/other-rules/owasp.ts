import {of, RP, TOKENS, SESSIONS, LOGIN, LOGOUT, SERVER, ATTACK, type OtherRule} from './rule.ts';

const asvs = of('OWASP ASVS');
const NO_GRANTS =
  'Does not apply: the server offers applications no authorization endpoint and no code; it is itself the client of the providers';
const BEARER =
  'Not kept: tokens are bearer tokens. A stolen access token lives for SESSION_TIMEOUT_MINUTES and ends at once with its session';

/** Of the OWASP Application Security Verification Standard. */
export const OWASP_RULES: readonly OtherRule[] = [
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
  asvs('10.5.3', 'The metadata’s issuer is the configured one', {
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
