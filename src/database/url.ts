import {DatabaseError} from './errors.ts';

/** A database URL taken apart. `url` goes to the driver; `display` to logs and messages: it has no password. */
export interface DatabaseTarget {
  readonly url: string;
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string | undefined;
  readonly database: string;
  readonly parameters: ReadonlyMap<string, string>;
  readonly display: string;
}

const FORM = 'postgres://USER:PASSWORD@HOST:5432/DATABASE';
const ENCODE_HINT =
  'Percent-encode the characters that a URL gives a meaning (@ is %40, : is %3A, / is %2F, # is %23, ? is %3F, % is %25).';

/** PostgreSQL's, and the driver's own: `no-verify` encrypts and checks nothing. */
const SSL_MODES = ['disable', 'allow', 'prefer', 'require', 'verify-ca', 'verify-full', 'no-verify'];

/**
 * Reads DATABASE_URL. `sslmode` means what it means to psql: `require` encrypts, `verify-full` checks the certificate.
 * Throws DatabaseError(DatabaseURLInvalid) that names the part that is wrong and never quotes the URL.
 */
export function parseDatabaseUrl(raw: string): DatabaseTarget {
  const text = raw.trim();
  if (text === '') throw invalid('the database URL is empty', `Write it as ${FORM}.`);
  if (!/^postgres(ql)?:\/\//.test(text)) {
    throw invalid(
      'the database URL does not begin with postgres:// or postgresql://',
      `Write it as ${FORM}.`,
    );
  }
  // An unencoded # or ? in the password would cut the URL there, and what is left may still parse.
  const authority = /^postgres(?:ql)?:\/\/([^/]*)/.exec(text)?.[1] ?? '';
  if (/[?#]/.test(authority) && text.indexOf('@') > text.search(/[?#]/)) {
    throw invalid('the database URL holds an unencoded ? or # before the host', ENCODE_HINT);
  }
  if (authority === '' || authority.endsWith('@')) {
    throw invalid('the database URL names no host', `Write it as ${FORM}.`);
  }
  if (!URL.canParse(text))
    throw invalid('the database URL cannot be read', `${ENCODE_HINT} The form is ${FORM}.`);
  const url = new URL(text);
  const parameters = new Map(url.searchParams);
  const decode = (part: string, name: string): string => {
    try {
      return decodeURIComponent(part);
    } catch (error) {
      throw invalid(`the database URL's ${name} is not percent-encoded correctly`, ENCODE_HINT, error);
    }
  };
  const host = parameters.get('host') ?? decode(url.hostname.replace(/^\[(.+)\]$/, '$1'), 'host');
  const user = parameters.get('user') ?? decode(url.username, 'user');
  const password = parameters.get('password') ?? (url.password && decode(url.password, 'password'));
  const database = decode(url.pathname.slice(1), 'database name');
  const port = Number(parameters.get('port') ?? (url.port || 5432));
  if (user === '') throw invalid('the database URL names no user', `Write it as ${FORM}.`);
  if (database === '') throw invalid('the database URL names no database', `Write it as ${FORM}.`);
  if (database.includes('/')) {
    throw invalid(
      'the database URL has more than one / after the host',
      `${ENCODE_HINT} The form is ${FORM}.`,
    );
  }
  const mode = parameters.get('sslmode');
  if (mode !== undefined && !SSL_MODES.includes(mode)) {
    throw invalid(
      'the database URL has an sslmode that there is not',
      `Write one of ${SSL_MODES.join(', ')}; verify-full checks the certificate and the name of the host.`,
    );
  }
  // The driver's own reading of sslmode=require is stricter than psql's; this asks it for psql's. But no-verify is the
  // driver's word alone, and psql's meaning of it would be a check.
  if (mode === 'no-verify') url.searchParams.delete('uselibpqcompat');
  else if (mode !== undefined && !parameters.has('uselibpqcompat')) {
    url.searchParams.set('uselibpqcompat', 'true');
  }
  return {
    url: url.href,
    host,
    port,
    user,
    password: password || undefined,
    database,
    parameters,
    display: `postgres://${encodeURIComponent(user)}@${host.includes(':') ? `[${host}]` : host}:${port}/${encodeURIComponent(database)}`,
  };
}

/** The values of sslmode with which libpq, and so the driver, checks the certificate where an authority is named. */
const CHECKING = new Set(['require', 'verify-ca', 'verify-full']);

/**
 * The URL with the authority in that PEM file, of which the server's certificate must be: the driver and PostgreSQL's own
 * programs both read it there. Where the URL says nothing of sslmode, the host's name is checked as well (verify-full).
 * Throws DatabaseError(DatabaseURLInvalid) where the URL contradicts it.
 */
export function withAuthority(raw: string, caFile: string): string {
  const {parameters} = parseDatabaseUrl(raw);
  if (parameters.has('sslrootcert')) {
    throw invalid(
      'the database URL has sslrootcert, and DATABASE_CA_FILE is set as well',
      'Keep one of the two.',
    );
  }
  const mode = parameters.get('sslmode');
  if (mode !== undefined && !CHECKING.has(mode)) {
    throw invalid(
      'DATABASE_CA_FILE is set, but with the sslmode in the database URL no certificate is checked',
      'Write sslmode=verify-full in the URL, or leave the authority out.',
    );
  }
  const url = new URL(raw.trim());
  url.searchParams.set('sslmode', mode ?? 'verify-full');
  url.searchParams.set('sslrootcert', caFile);
  return url.href;
}

function invalid(message: string, hint: string, cause?: unknown): DatabaseError {
  return new DatabaseError('DatabaseURLInvalid', message, hint, cause);
}
