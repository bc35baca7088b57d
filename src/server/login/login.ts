import {AuthError} from '../../support/errors.ts';
import type {Services} from '../services.ts';
import type {Session} from '../sessions/session.ts';
import {allowedReturnTo} from './return-to.ts';

/** Where the browser goes, and what it takes along. */
export interface StartedLogin {
  readonly authorizationUrl: URL;
  readonly state: string;
  /** What the browser's cookie holds until the callback. */
  readonly binding: string | undefined;
}

/** Where a request came from, for the audit trail. */
export interface Origin {
  readonly requestId: string;
  readonly address: string;
}

/** Begins a login. Throws `invalid_request` for what the client may correct, and the 502 where the provider is down. */
export async function startLogin(
  services: Services,
  request: {provider: string | undefined; returnTo: string | undefined},
  origin: Origin,
): Promise<StartedLogin> {
  const provider = services.providers.choose(request.provider);
  const {name} = provider.settings;
  const returnTo = allowedReturnTo(request.returnTo, services.configuration.login);
  services.metrics.loginStarted(name);
  try {
    // Before anything is written down for a login that cannot be.
    await provider.available();
    const {transaction, binding} = await services.logins.begin(name, returnTo);
    const authorizationUrl = await provider.authorizationUrl(transaction);
    services.audit.record('oauth_start', {...origin, provider: name, outcome: 'success'});
    return {authorizationUrl, state: transaction.state, binding};
  } catch (error) {
    services.audit.record('oauth_start', {...origin, provider: name, ...failureOf(services, name, error)});
    throw error;
  }
}

/** The parameters of an authorization response (RFC 6749, section 4.1.2; RFC 9207). */
export interface AuthorizationResponse {
  readonly code?: string;
  readonly state: string;
  readonly iss?: string;
  readonly error?: string;
  readonly error_description?: string;
}

/** How the answer came back. */
export interface Return {
  /** What the browser's cookie of this login holds. */
  readonly binding: string | undefined;
  /** The provider whose own address it came to; undefined: the one that providers share. */
  readonly callback: string | undefined;
  /** What the browser is, in words. */
  readonly userAgent: string | undefined;
  /** Told why a login failed that was under way in this very browser; not of a state that is made up or another's. */
  readonly onFailed: (error: unknown) => Promise<void>;
}

/** A session that came of a login. */
export interface CompletedLogin {
  readonly session: Session;
  /** A refresh token, or with `returnTo` the value of the session cookie. */
  readonly secret: string;
  readonly returnTo: string | undefined;
}

/**
 * Takes the provider's answer. The transaction is consumed first, so that a state serves once whatever the answer is;
 * then whose it is, by the address that it came to and by its issuer; only then is the code sent to the token endpoint.
 */
export async function completeLogin(
  services: Services,
  response: AuthorizationResponse,
  {binding, callback: at, userAgent, onFailed}: Return,
  origin: Origin,
): Promise<CompletedLogin> {
  let name = 'unknown';
  let returnTo: string | undefined;
  let taken = false;
  let proven = false;
  try {
    const consumed = await services.logins.consume(response.state, binding);
    if (!consumed.ok) throw refusal(consumed.why);
    taken = true;
    const {transaction} = consumed;
    name = transaction.provider;
    ({returnTo} = transaction);
    const provider = services.providers.find(name);
    if (!provider) throw new AuthError('invalid_state', `the provider ${name} is no longer configured`);
    provider.checkCallback(at);
    await provider.checkIssuer(response.iss);
    if (response.error === undefined && response.code === undefined)
      throw new AuthError('invalid_request', 'neither code nor error', {message: 'code is needed'});

    const callback = callbackUrl(provider.redirectUri, response);
    const started = services.clock.monotonic();
    const identity = await provider
      .exchange(callback, transaction)
      .finally(() => services.metrics.exchanged(name, services.clock.monotonic() - started));
    services.audit.record('oauth_callback', {...origin, provider: name, outcome: 'success'});
    proven = true;
    refuseOtherDomains(identity.claims, provider.settings.allowedEmailDomains);

    const kind = transaction.returnTo === undefined ? 'token' : 'cookie';
    const {session, secret} = await services.sessions.create(identity, kind, {
      userAgent,
      idToken: identity.idToken,
    });
    services.metrics.loginSucceeded(name);
    const whose = {
      ...origin,
      provider: name,
      user: session.userId,
      session: session.id,
      outcome: 'success',
    } as const;
    services.audit.record('auth_success', whose);
    services.audit.record('session_created', whose);
    return {session, secret, returnTo: transaction.returnTo};
  } catch (error) {
    const failed = {...origin, provider: name, ...failureOf(services, name, error)};
    if (!proven) services.audit.record('oauth_callback', failed);
    services.audit.record('auth_failure', failed);
    if (taken) await onFailed(error);
    throw error instanceof AuthError ? error.leadingTo(returnTo) : error;
  }
}

/** Our redirect URI with the answer's parameters, those that we know: whatever else was added is left out. */
function callbackUrl(redirectUri: string, response: AuthorizationResponse): URL {
  const url = new URL(redirectUri);
  for (const name of ['code', 'state', 'iss', 'error', 'error_description'] as const) {
    const value = response[name];
    if (value !== undefined) url.searchParams.set(name, value);
  }
  return url;
}

function refusal(why: 'unknown' | 'expired' | 'sealed'): AuthError {
  if (why === 'sealed')
    return new AuthError('pkce_error', "the login's verifier cannot be opened; has STATE_KEY changed?");
  return new AuthError(
    'invalid_state',
    why === 'expired'
      ? 'the login took longer than its ten minutes'
      : 'the state is unknown, was used already, or is of another browser, or one that began many logins since',
  );
}

/** An address counts only where the provider says, with the boolean true, that it is the user's. */
function refuseOtherDomains(claims: Record<string, unknown>, allowed: readonly string[]): void {
  if (allowed.length === 0) return;
  const {email, email_verified: verified} = claims;
  const domain = typeof email === 'string' ? email.slice(email.lastIndexOf('@') + 1).toLowerCase() : '';
  if (verified !== true) throw new AuthError('forbidden', 'the e-mail address is not verified');
  if (!allowed.includes(domain))
    throw new AuthError('forbidden', "the e-mail address's domain is not allowed");
}

function failureOf(
  services: Services,
  provider: string,
  error: unknown,
): {outcome: 'failure'; reason: string} {
  const reason = error instanceof AuthError ? error.code : 'server_error';
  services.metrics.loginFailed(provider, reason);
  return {outcome: 'failure', reason};
}
