import * as oidc from 'openid-client';
import {errors} from 'jose';
import {AuthError, providerUnavailable} from '../../support/errors.ts';
import {ForbiddenAddressError} from './guarded-fetch.ts';

/** The provider refuses our own client id or secret. */
export class ClientRefusedError extends Error {
  override readonly name = 'ClientRefusedError';
}

/** The provider answered with that status where another one is documented. */
export class ProviderStatusError extends Error {
  override readonly name = 'ProviderStatusError';
  readonly status: number;

  constructor(who: string, status: number) {
    super(`${who} answered ${status}`);
    this.status = status;
  }
}

/** Why a provider cannot be used, in the words of the metric `fraiseql_auth_dependency_error`. */
export type ProviderFault =
  | 'unreachable'
  | 'timeout'
  | 'forbidden_address'
  | 'authentication_failed'
  | 'invalid_response';

/** A failure's deepest message and code, without bodies, for the log. */
export function explain(error: unknown): string {
  const parts: string[] = [];
  for (let current: unknown = error; current instanceof Error && parts.length < 4; current = current.cause) {
    const code = 'code' in current && typeof current.code === 'string' ? ` (${current.code})` : '';
    const text = `${current.message}${code}`;
    if (!parts.includes(text)) parts.push(text);
  }
  return parts.join(': ').slice(0, 500);
}

export function providerFault(error: unknown): ProviderFault {
  for (let current: unknown = error; current instanceof Error; current = current.cause) {
    if (current instanceof ForbiddenAddressError) return 'forbidden_address';
    const code = 'code' in current ? String(current.code) : '';
    if (/TIMEOUT|ETIMEDOUT/.test(code) || current.name === 'TimeoutError') return 'timeout';
    if (/^(E(?!RR_)[A-Z_]+|UND_ERR_.*|.*CERT.*|ERR_(TLS|SSL)_.*)$/.test(code)) return 'unreachable';
    if (current instanceof oidc.ResponseBodyError && isClientFault(current)) return 'authentication_failed';
    if (current instanceof oidc.WWWAuthenticateChallengeError && isForClients(current))
      return 'authentication_failed';
    if (current instanceof ClientRefusedError) return 'authentication_failed';
  }
  return 'invalid_response';
}

/** Whether it did not answer at all, or with a 5xx: not what a code or a person is refused with. */
export function isOutage(error: unknown): boolean {
  const fault = providerFault(error);
  if (fault === 'timeout' || fault === 'unreachable') return true;
  for (let current: unknown = error; current instanceof Error; current = current.cause) {
    if ('status' in current && typeof current.status === 'number' && current.status >= 500)
      return !(current instanceof AuthError);
    // The library's error of a status that it did not expect carries the answer.
    if (current.cause instanceof Response) return current.cause.status >= 500;
  }
  return false;
}

/** Our client id or secret is refused: nobody can log in until it is corrected. */
function isClientFault(error: oidc.ResponseBodyError): boolean {
  return error.error === 'invalid_client' || error.error === 'unauthorized_client';
}

/** A client that proved itself by Basic is refused with that challenge (RFC 6749, section 5.2); a token with Bearer. */
function isForClients({status, cause}: oidc.WWWAuthenticateChallengeError): boolean {
  return status === 401 && cause.some(({scheme}) => scheme.toLowerCase() === 'basic');
}

/** What a provider says of itself, and could not answer with a 5xx, for it comes by the browser (RFC 6749, section 4.1.2.1). */
const OWN_FAULTS: ReadonlySet<string> = new Set(['server_error', 'temporarily_unavailable']);

/** An authorization response that is an error: the user's refusal or ours to the provider, or the provider's own fault. */
export function answeredWith(error: string, cause?: unknown): AuthError {
  const reason = `the provider answered with the error ${printable(error)}`;
  return OWN_FAULTS.has(error)
    ? providerUnavailable(reason, cause)
    : new AuthError('oauth_error', reason, {cause});
}

/**
 * What a failed exchange means. The user's or an attacker's doing is a 401 and says nothing about the provider; all else
 * is the provider's state and a 502.
 */
export function exchangeFailure(error: unknown): AuthError {
  if (error instanceof AuthError) return error;
  if (error instanceof oidc.AuthorizationResponseError) return answeredWith(error.error, error);
  if (error instanceof oidc.ResponseBodyError && error.status < 500 && !isClientFault(error))
    return new AuthError(
      'oauth_error',
      `the token endpoint answered with the error ${printable(error.error)}`,
      {
        cause: error,
      },
    );
  if (error instanceof oidc.ClientError && isAboutClaims(error))
    return new AuthError('oauth_error', `the ID token is not acceptable: ${explain(error)}`, {cause: error});
  if (error instanceof errors.JOSEError)
    return new AuthError('oauth_error', `the ID token is not acceptable: ${explain(error)}`, {cause: error});
  return providerUnavailable(`the provider: ${explain(error)}`, error);
}

/** Whether the library refused the ID token (its cause holds claims or a header), not the answer as a whole. */
function isAboutClaims(error: oidc.ClientError): boolean {
  for (let current: unknown = error; current instanceof Error; current = current.cause) {
    const {cause} = current;
    if (typeof cause === 'object' && cause !== null && ('claims' in cause || 'header' in cause)) return true;
  }
  return false;
}

/** An error code of RFC 6749 as the log may show it. */
export function printable(code: string): string {
  return code.replaceAll(/[^\x21-\x7e]/g, '?').slice(0, 80);
}
