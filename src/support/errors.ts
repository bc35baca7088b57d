/**
 * The catalogue: every error that the auth server answers with. `message` is all that a client is told; the reason
 * goes to the log, under the request's id.
 */
export const ERRORS = {
  invalid_request: {status: 400, message: 'Invalid request'},
  invalid_state: {status: 400, message: 'Authentication failed'},
  pkce_error: {status: 400, message: 'Authentication failed'},
  token_expired: {status: 401, message: 'Authentication failed'},
  invalid_signature: {status: 401, message: 'Authentication failed'},
  invalid_token: {status: 401, message: 'Authentication failed'},
  token_not_found: {status: 401, message: 'Authentication failed'},
  session_error: {status: 401, message: 'Authentication failed'},
  /** 401 where the provider or the user refused; 502 where the provider is unreachable or answers nonsense. */
  oauth_error: {status: 401, message: 'Authentication failed'},
  forbidden: {status: 403, message: 'Permission denied'},
  not_found: {status: 404, message: 'Not found'},
  method_not_allowed: {status: 405, message: 'Method not allowed'},
  payload_too_large: {status: 413, message: 'Payload too large'},
  unsupported_media_type: {status: 415, message: 'Unsupported media type'},
  rate_limited: {status: 429, message: 'Too many requests'},
  /** 500 for a fault of ours; 503 where something we need is away. */
  server_error: {status: 500, message: 'Service temporarily unavailable'},
} as const satisfies Record<string, {status: number; message: string}>;

export type ErrorCode = keyof typeof ERRORS;

/** Codes of RFC 6749, section 5.2, that a route of ours answers with. */
export type OAuthError = 'invalid_request' | 'invalid_client' | 'invalid_grant' | 'unsupported_grant_type';

export interface AuthErrorOptions {
  /** Replaces the catalogue's message; only for what the client may know, such as the field that is wrong. */
  readonly message?: string;
  readonly status?: 400 | 401 | 417 | 431 | 500 | 502 | 503;
  readonly headers?: Readonly<Record<string, string>>;
  readonly cause?: unknown;
  /** The error code that OAuth's own endpoints answer with (RFC 6749, section 5.2), beside ours. */
  readonly oauth?: OAuthError;
  /** Where the login that failed would have led: a person may begin again from the error's page. */
  readonly returnTo?: string | undefined;
}

/** A refusal. `reason` says to the log what really happened; it never reaches a client and never holds a secret. */
export class AuthError extends Error {
  override readonly name = 'AuthError';
  readonly code: ErrorCode;
  readonly status: number;
  readonly reason: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly returnTo: string | undefined;
  readonly oauth: OAuthError | undefined;

  constructor(code: ErrorCode, reason: string, options: AuthErrorOptions = {}) {
    super(
      options.message ?? ERRORS[code].message,
      options.cause === undefined ? undefined : {cause: options.cause},
    );
    this.code = code;
    this.reason = reason;
    this.status = options.status ?? ERRORS[code].status;
    this.headers = options.headers ?? {};
    this.returnTo = options.returnTo;
    this.oauth = options.oauth;
  }

  /** The same refusal, of a login that would have led there. */
  leadingTo(returnTo: string | undefined): AuthError {
    const {status, headers, message, cause} = this;
    const copy = new AuthError(this.code, this.reason, {message, headers, cause, returnTo});
    return Object.assign(copy, {status, stack: this.stack});
  }
}

/** The provider cannot be reached or answers nonsense. */
export function providerUnavailable(reason: string, cause?: unknown): AuthError {
  return new AuthError('oauth_error', reason, {status: 502, cause});
}

/** Something that this server needs is away; the client may try again after `retryAfterSeconds`. */
export function unavailable(reason: string, retryAfterSeconds: number, cause?: unknown): AuthError {
  return new AuthError('server_error', reason, {
    status: 503,
    headers: {'retry-after': String(retryAfterSeconds)},
    cause,
  });
}

/** There is more to do than can be done; the client may try again after `retryAfterSeconds`. */
export function overloaded(reason: string, retryAfterSeconds: number): AuthError {
  return unavailable(`overloaded: ${reason}`, retryAfterSeconds);
}

/** The body that every error has (FraiseQL's and GraphQL's shape). */
export function errorBody(code: ErrorCode, message: string, requestId: string, oauth?: OAuthError): string {
  return JSON.stringify({error: oauth, errors: [{message, extensions: {code, request_id: requestId}}]});
}
