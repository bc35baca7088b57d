/** A check of the auth server, as a person knows it. */
export interface Check {
  readonly name: string;
  readonly remedy: string;
}

interface Known extends Check {
  readonly code: string;
  /** Which reasons of that code are this check's; without it: all that are left. */
  readonly reason?: RegExp;
}

const RETRY = 'begin the login again';
const PROVIDER = "compare the provider's client settings with ours; an attack looks the same";

/** By the error's code and the reason in the server's log; the first that fits. */
const CHECKS: readonly Known[] = [
  {
    code: 'invalid_state',
    reason: /ten minutes/,
    name: 'the login is not older than ten minutes',
    remedy: RETRY,
  },
  {
    code: 'invalid_state',
    reason: /no longer configured/,
    name: 'the provider of the login is still configured',
    remedy: 'put the provider back, or begin the login again with another one',
  },
  {
    code: 'invalid_state',
    name: 'the state is of a login under way, of this very browser, and was not used before',
    remedy: `${RETRY}, in one browser, which keeps the newest ten, and let its cookies through; behind a proxy, see that it keeps Set-Cookie`,
  },
  {
    code: 'pkce_error',
    name: "the login's PKCE verifier can be opened with STATE_KEY",
    remedy: 'give every replica the same STATE_KEY; begin the login again',
  },
  {
    code: 'oauth_error',
    reason: /another issuer|promises iss/,
    name: "the answer's iss is the issuer of the provider that was asked (RFC 9207 2.4)",
    remedy: "compare the provider's issuer with the configured one; it may be a mix-up attack",
  },
  {
    code: 'oauth_error',
    reason: /the answer came to the address of/,
    name: 'the answer came to the address of the provider that was asked (RFC 9700 4.4.2)',
    remedy: "register each provider's own redirect URI there and no other; it may be a mix-up attack",
  },
  {
    code: 'oauth_error',
    reason: /ID token.*"?(nonce)"?/,
    name: 'the nonce of the ID token is the one of this login (OpenID Connect Core 3.1.3.7)',
    remedy: PROVIDER,
  },
  {
    code: 'oauth_error',
    reason: /ID token.*"(aud|azp)"/,
    name: 'the ID token is for our client id (OpenID Connect Core 3.1.3.7)',
    remedy: PROVIDER,
  },
  {
    code: 'oauth_error',
    reason: /ID token.*"iss"/,
    name: "the ID token is of the provider's issuer (OpenID Connect Core 3.1.3.7)",
    remedy: PROVIDER,
  },
  {
    code: 'oauth_error',
    reason: /ID token.*"(exp|iat|nbf)"/,
    name: 'the ID token is valid now, give or take a minute (OpenID Connect Core 3.1.3.7)',
    remedy: "compare our clock with the provider's",
  },
  {
    code: 'oauth_error',
    reason: /ID token.*"at_hash"/,
    name: 'the ID token is of this access token (OpenID Connect Core 3.1.3.8)',
    remedy: PROVIDER,
  },
  {
    code: 'oauth_error',
    reason: /ID token.*(signature|applicable key|alg)/i,
    name: "the ID token is signed with the provider's published key and a permitted algorithm (RFC 8725 3.1)",
    remedy: "look at the provider's JWKS and at the algorithm that it signs for our client",
  },
  {
    code: 'oauth_error',
    reason: /ID token/,
    name: 'the ID token is well formed (OpenID Connect Core 2)',
    remedy: PROVIDER,
  },
  {
    code: 'oauth_error',
    reason: /token endpoint answered with the error/,
    name: 'the provider takes the code (RFC 6749 5.2)',
    remedy: `${RETRY}: a code serves once, and for some seconds`,
  },
  {
    code: 'oauth_error',
    reason: /the provider answered with the error/,
    name: 'the provider and the person allowed the login (RFC 6749 4.1.2.1)',
    remedy: 'the error code says why; access_denied is the person, or a rule at the provider',
  },
  {
    code: 'oauth_error',
    name: 'the provider can be reached and answers as documented',
    remedy: 'the cause above says what went wrong; look at /health/auth and at the provider',
  },
  {
    code: 'forbidden',
    reason: /not verified/,
    name: 'the provider vouches for the e-mail address',
    remedy: 'verify the address at the provider; email_verified must be the boolean true',
  },
  {
    code: 'forbidden',
    reason: /domain is not allowed/,
    name: "the e-mail address's domain is in allowedEmailDomains",
    remedy: 'add the domain, or log in with an address of an allowed one',
  },
  {
    code: 'forbidden',
    name: 'the request comes from our own site',
    remedy: 'send it from a page of the same site',
  },
  {
    code: 'token_not_found',
    reason: /used again/,
    name: 'a refresh token is not used again after its successor was in use (RFC 9700 4.14)',
    remedy: 'log in again; if nobody kept the old token on purpose, it may have been stolen',
  },
  {
    code: 'token_not_found',
    name: 'the refresh token is of a session that goes on',
    remedy: 'log in again: it ended by logout, revocation or age',
  },
  {code: 'session_error', name: 'the session goes on', remedy: 'log in again'},
  {code: 'token_expired', name: 'the access token has not expired', remedy: 'refresh it'},
  {
    code: 'invalid_signature',
    name: 'the access token is signed with a key of ours',
    remedy: 'refresh it; if it is new, see that all replicas have the same keys',
  },
  {
    code: 'invalid_token',
    reason: /unknown client id or wrong secret|no client authentication/,
    name: 'the client proves itself with INTROSPECTION_CLIENT_ID and INTROSPECTION_CLIENT_SECRET (RFC 6749 2.3.1)',
    remedy: 'give the client the id and the secret that this server has',
  },
  {
    code: 'invalid_token',
    reason: /so nobody may introspect/,
    name: 'there is a client that may introspect',
    remedy: 'set INTROSPECTION_CLIENT_ID and INTROSPECTION_CLIENT_SECRET',
  },
  {
    code: 'invalid_token',
    name: 'a credential of ours is given, whole and for this audience (RFC 9068 4)',
    remedy: 'send the access token as Authorization: Bearer; compare JWT_ISSUER and JWT_AUDIENCE',
  },
  {
    code: 'rate_limited',
    name: 'the client keeps within the rate limits',
    remedy: 'wait as Retry-After says; if many people share the address, see TRUSTED_PROXIES and rateLimits',
  },
  {
    code: 'server_error',
    name: 'what the server needs is there',
    remedy: 'the cause above says what is not; look at /health/auth',
  },
  {
    code: 'payload_too_large',
    name: 'the body is of 64 KiB at most',
    remedy: 'send less',
  },
  {
    code: 'unsupported_media_type',
    name: 'the body is of the type that the route takes',
    remedy: 'send application/json',
  },
  {code: 'not_found', name: 'the route exists', remedy: 'check the path'},
  {code: 'method_not_allowed', name: 'the route takes the method', remedy: 'the Allow header names them'},
  {
    code: 'invalid_request',
    name: 'the request is well formed',
    remedy: 'correct the field that the reason names',
  },
];

/** The check behind an error's code and reason; undefined where there is none, as for `replayed` of a good refresh. */
export function checkOf(code: string, reason: string): Check | undefined {
  return CHECKS.find((check) => check.code === code && (check.reason?.test(reason) ?? true));
}
