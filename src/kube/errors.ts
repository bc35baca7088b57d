import type {KubeObject} from './objects.ts';

/** One of `Status.details.causes`: the field and what is wrong with it, as a schema or a CEL rule says it. */
export interface ApiErrorCause {
  field: string;
  message: string;
}

/** The parts of the API server's `Status` object (meta/v1) that a caller may act on. */
export interface ApiStatus {
  code?: number | undefined;
  reason?: string | undefined;
  message?: string | undefined;
  details?:
    | {
        name?: string | undefined;
        retryAfterSeconds?: number | undefined;
        causes?: {field?: string; message?: string; reason?: string}[] | undefined;
      }
    | undefined;
}

/** Reasons of our own, for calls that got no answer (`status` 0). */
type TransportReason =
  | 'Aborted'
  | 'Timeout'
  | 'ConnectionRefused'
  | 'ConnectionReset'
  | 'ConnectionFailed'
  | 'WatchStalled'
  | 'BadResponse';

const MAX_MESSAGE = 400;

/** How the server says of an apply that a field is not known to it, or is of another type. It says so with a 500. */
const MISTYPED = /failed to create typed patch object|field not declared in schema/;

/**
 * A call to the API server that did not succeed. `status` is the HTTP status, or 0 when no answer came (then `reason`
 * is a TransportReason); otherwise `reason` is the server's CamelCase word: NotFound, Conflict, AlreadyExists,
 * Invalid, Expired, Forbidden, TooManyRequests, …. The message is short and holds no secret: no headers, no bodies,
 * no credentials.
 */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly status: number;
  readonly reason: string;
  readonly retryAfterMs?: number;
  readonly causes?: ApiErrorCause[];
  /** A 404 that names the object that is not there; one without a name means that the type or the route is unknown. */
  readonly absent: boolean;

  constructor(
    status: number,
    reason: string,
    message: string,
    detail: {
      retryAfterMs?: number | undefined;
      causes?: ApiErrorCause[] | undefined;
      absent?: boolean;
      cause?: unknown;
    } = {},
  ) {
    super(shorten(redact(message)), detail.cause === undefined ? undefined : {cause: detail.cause});
    this.status = status;
    this.reason = reason;
    this.absent = detail.absent ?? false;
    if (detail.retryAfterMs !== undefined) this.retryAfterMs = detail.retryAfterMs;
    if (detail.causes !== undefined && detail.causes.length > 0) this.causes = detail.causes;
  }

  /** True when no answer came or the server was not able to answer: another try may do better. */
  get transient(): boolean {
    if (this.status === 0) return this.reason !== 'Aborted';
    return this.status === 429 || (this.status >= 500 && !MISTYPED.test(this.message));
  }
}

/** The object is there but is somebody else's: it is left alone. `object` says which. */
export class ForeignObjectError extends Error {
  override readonly name = 'ForeignObjectError';
  readonly object: {kind: string; namespace?: string; name: string};
  /** Who controls it; undefined where nobody does, or one of the same kind and name that is gone. */
  readonly controller: {kind: string; name: string} | undefined;

  constructor(object: KubeObject, why: string, controller?: {kind: string; name: string}) {
    const {name, namespace} = object.metadata;
    super(
      `${object.kind} ${namespace === undefined ? name : `${namespace}/${name}`} exists and is not ours (${why}); ` +
        'rename or delete it, or choose another name for the resource',
    );
    this.object = {kind: object.kind, name, ...(namespace === undefined ? {} : {namespace})};
    this.controller = controller;
  }
}

/** True for an {@link ApiError} with that status, and that reason where one is given. */
export function isApiError(error: unknown, status?: number, reason?: string): error is ApiError {
  return (
    error instanceof ApiError &&
    (status === undefined || error.status === status) &&
    (reason === undefined || error.reason === reason)
  );
}

/** A 404 that speaks of the object; one that speaks of its type (no such resource here) is a fault, not an absence. */
export function isAbsent(error: unknown): boolean {
  return isApiError(error, 404) && error.absent;
}

/**
 * Builds the error of an answer. `call` names it (`PATCH deployments a/b`), `body` is the answer's text: a Status where
 * the API server answered, anything where a proxy did. `secret` hides the values that a Status quotes.
 */
export function apiErrorFrom(
  call: string,
  answer: {status: number; body: string; retryAfter?: string | undefined; secret?: boolean},
): ApiError {
  const status = parseStatus(answer.body);
  const reason = status?.reason ?? reasonOf(answer.status);
  const hide = (text: string): string => (answer.secret === true ? hideValues(text) : text);
  const causes = status?.details?.causes?.map((cause) => ({
    field: cause.field ?? '',
    message: shorten(redact(hide(cause.message ?? cause.reason ?? ''))),
  }));
  const seconds = answer.retryAfter ?? status?.details?.retryAfterSeconds?.toString();
  const message = status?.message ?? UNSAID[answer.status] ?? 'the answer came without a Status';
  return new ApiError(answer.status, reason, `${call}: ${answer.status} ${reason}: ${hide(message)}`, {
    retryAfterMs: retryAfterMs(seconds),
    causes,
    absent: answer.status === 404 && Boolean(status?.details?.name),
  });
}

/** The error inside a watch's ERROR event. */
export function apiErrorFromStatus(call: string, status: ApiStatus): ApiError {
  const code = status.code ?? 500;
  return apiErrorFrom(call, {status: code, body: JSON.stringify({kind: 'Status', ...status})});
}

/** The error of a call that got no answer, from what the socket or the timer threw. */
export function transportError(call: string, error: unknown): ApiError {
  const {code, message} = describe(error);
  const reason = TRANSPORT_REASONS[code] ?? 'ConnectionFailed';
  return new ApiError(0, reason, `${call}: ${reason}: ${message}`, {cause: error});
}

const TRANSPORT_REASONS: Record<string, TransportReason> = {
  ECONNREFUSED: 'ConnectionRefused',
  ECONNRESET: 'ConnectionReset',
  EPIPE: 'ConnectionReset',
  UND_ERR_SOCKET: 'ConnectionReset',
  UND_ERR_DESTROYED: 'ConnectionReset',
  UND_ERR_CLOSED: 'ConnectionReset',
  UND_ERR_CONNECT_TIMEOUT: 'Timeout',
  UND_ERR_HEADERS_TIMEOUT: 'Timeout',
  UND_ERR_BODY_TIMEOUT: 'Timeout',
  ETIMEDOUT: 'Timeout',
};

function describe(error: unknown): {code: string; message: string} {
  if (!(error instanceof Error)) return {code: '', message: String(error)};
  const inner = error instanceof AggregateError ? error.errors.find((one) => one instanceof Error) : error;
  const code = inner !== undefined && 'code' in inner && typeof inner.code === 'string' ? inner.code : '';
  const message = inner instanceof Error && inner.message !== '' ? inner.message : error.message;
  return {code, message: message === '' ? code : message};
}

/** What answers without a Status mean. */
const UNSAID: Record<number, string> = {
  404: 'the server does not know this type; is its CustomResourceDefinition installed?',
  502: 'a proxy before the API server cannot reach it',
  504: 'a proxy before the API server got no answer in time',
};

function parseStatus(body: string): ApiStatus | undefined {
  try {
    const parsed: unknown = JSON.parse(body);
    const isStatus =
      typeof parsed === 'object' && parsed !== null && 'kind' in parsed && parsed.kind === 'Status';
    return isStatus ? (parsed as ApiStatus) : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

const REASONS: Record<number, string> = {
  400: 'BadRequest',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'NotFound',
  405: 'MethodNotAllowed',
  409: 'Conflict',
  410: 'Gone',
  422: 'Invalid',
  429: 'TooManyRequests',
  500: 'InternalError',
  503: 'ServiceUnavailable',
  504: 'Timeout',
};

function reasonOf(status: number): string {
  return REASONS[status] ?? (status >= 500 ? 'InternalError' : 'Unknown');
}

/** Retry-After: seconds or an HTTP date (RFC 9110 section 10.2.3); a date counts from now. */
export function retryAfterMs(header: string | undefined): number | undefined {
  if (header === undefined) return undefined;
  const seconds = Number(header);
  if (Number.isFinite(seconds)) return Math.max(0, seconds * 1000);
  const date = Date.parse(header);
  return Number.isNaN(date) ? undefined : Math.max(0, date - Date.now());
}

function redact(text: string): string {
  return text
    .replaceAll(/\b(bearer|basic)\s+[\w.~+/=-]{8,}/gi, '$1 [redacted]')
    .replaceAll(/\/\/[^/\s:@]+:[^/\s@]+@/g, '//[redacted]@')
    .replaceAll(/-----BEGIN [^-]+-----[\s\S]*?(-----END [^-]+-----|$)/g, '[redacted]');
}

function hideValues(text: string): string {
  return text.replaceAll(/Invalid value: "(?:[^"\\]|\\.)*"/g, 'Invalid value: [redacted]');
}

function shorten(text: string): string {
  return text.length <= MAX_MESSAGE ? text : `${text.slice(0, MAX_MESSAGE - 1)}…`;
}
