/** Why a command about the database failed; CamelCase words that code may compare. */
export type DatabaseReason =
  | 'DatabaseURLInvalid'
  | 'DatabaseUnreachable'
  | 'DatabaseAuthenticationFailed'
  | 'DatabaseNotFound'
  | 'DatabasePermissionDenied'
  | 'MigrationFailed'
  | 'MigrationTimedOut'
  | 'TableLocked'
  | 'StatementTimedOut'
  | 'SchemaOutdated'
  | 'VerificationFailed';

/** A failure that says what happened and what to do. Neither text holds a secret. */
export class DatabaseError extends Error {
  override readonly name = 'DatabaseError';
  readonly reason: DatabaseReason;
  readonly hint: string;

  constructor(reason: DatabaseReason, message: string, hint: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : {cause});
    this.reason = reason;
    this.hint = hint;
  }
}

/** What is wrong with the database, in the words of the metric `fraiseql_auth_dependency_error`. */
export type DatabaseFault =
  | 'unreachable'
  | 'timeout'
  | 'too_many_connections'
  | 'read_only'
  | 'out_of_resources'
  | 'authentication_failed'
  | 'not_found'
  | 'permission_denied'
  | 'url_invalid'
  | 'schema_missing'
  | 'query_failed';

// PostgreSQL's SQLSTATE codes, appendix A of its manual.
const BY_STATE: Readonly<Record<string, DatabaseFault>> = {
  '28P01': 'authentication_failed',
  '28000': 'authentication_failed',
  '3D000': 'not_found',
  '42501': 'permission_denied',
  '53300': 'too_many_connections',
  '58030': 'out_of_resources',
  '57014': 'timeout',
  '55P03': 'timeout',
  '57P01': 'unreachable',
  '57P02': 'unreachable',
  '57P03': 'unreachable',
  '57P04': 'not_found',
  '57P05': 'unreachable',
  '25006': 'read_only',
  '42P01': 'schema_missing',
  '3F000': 'schema_missing',
};

const NETWORK_CODES = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EAI_FAIL',
  'EHOSTUNREACH',
  'EHOSTDOWN',
  'ENETUNREACH',
  'ENETDOWN',
  'EADDRNOTAVAIL',
  'ENOENT',
  'EPROTO',
]);

/** The driver's own errors have no code; these are their beginnings. */
const BY_MESSAGE: readonly (readonly [RegExp, DatabaseFault])[] = [
  [/^Connection terminated due to connection timeout/, 'timeout'],
  [/^(timeout expired|timeout exceeded when trying to connect|Query read timeout)/, 'timeout'],
  [/^Connection terminated/, 'unreachable'],
  [/^Client (has encountered a connection error|was closed)/, 'unreachable'],
  [/^There was an error establishing an SSL connection/, 'unreachable'],
  [/^The server does not support SSL connections/, 'unreachable'],
  [/^SASL:/, 'authentication_failed'],
];

/** The error's code: PostgreSQL's SQLSTATE or Node's; that of the first attempt where several addresses were tried. */
export function errorCode(error: unknown): string | undefined {
  if (error instanceof AggregateError && error.errors.length > 0) return errorCode(error.errors[0]);
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? code : undefined;
}

/** Sorts an error of the driver. `query_failed` is what is left: a fault of the statement, not of the database. */
export function databaseFault(error: unknown): DatabaseFault {
  if (error instanceof DatabaseError) return FAULT_OF_REASON[error.reason] ?? 'query_failed';
  const code = errorCode(error);
  if (code !== undefined) {
    const fault = BY_STATE[code];
    if (fault) return fault;
    if (code === 'ETIMEDOUT') return 'timeout';
    // A disk that is full, memory that is used up.
    if (/^53...$/.test(code)) return 'out_of_resources';
    if (NETWORK_CODES.has(code) || /^(08|ERR_TLS|ERR_SSL)/.test(code)) return 'unreachable';
    if (/CERT|SIGNATURE|ISSUER/.test(code)) return 'unreachable';
  }
  const message = error instanceof Error ? error.message : '';
  return BY_MESSAGE.find(([pattern]) => pattern.test(message))?.[1] ?? 'query_failed';
}

const FAULT_OF_REASON: Partial<Record<DatabaseReason, DatabaseFault>> = {
  DatabaseURLInvalid: 'url_invalid',
  DatabaseUnreachable: 'unreachable',
  DatabaseAuthenticationFailed: 'authentication_failed',
  DatabaseNotFound: 'not_found',
  DatabasePermissionDenied: 'permission_denied',
  MigrationTimedOut: 'timeout',
  TableLocked: 'timeout',
  StatementTimedOut: 'timeout',
};

/** True where the database is away or overwhelmed and the same request may succeed later: 503, not 500. */
export function isOutage(error: unknown): boolean {
  const fault = databaseFault(error);
  return fault !== 'query_failed' && fault !== 'schema_missing';
}
