import {Client, Pool, type ClientConfig} from 'pg';
import {DatabaseError} from './errors.ts';
import {parseDatabaseUrl} from './url.ts';

/** How long an unused connection is kept. */
const IDLE_MS = 60_000;
/** How long the other side may take to close a connection that is ended. */
const CLOSE_MS = 2_000;

/**
 * A connection that ends by itself where the other side is silent: it would else keep whoever waits for its end, and the
 * process, for as long as the network says nothing.
 */
class EndingClient extends Client {
  override end(): Promise<void>;
  override end(callback: (error: Error) => void): void;
  override end(callback?: (error: Error) => void): Promise<void> | void {
    const cut = setTimeout(() => this.connection.stream.destroy(), CLOSE_MS);
    cut.unref();
    this.once('end', () => clearTimeout(cut));
    return callback === undefined ? super.end() : super.end(callback);
  }
}

export interface PoolOptions {
  /** DATABASE_URL as the user wrote it. */
  readonly url: string;
  /** DATABASE_POOL_SIZE: connections at most. */
  readonly size: number;
  /** DATABASE_MAX_LIFETIME: seconds after which a connection is replaced; 0 keeps it. */
  readonly maxLifetimeSeconds: number;
  /** How long to wait for a connection, whether a new one or a free one of the pool. */
  readonly connectTimeoutMs?: number;
  /** How long one statement may take, held by the server and, a second later, by this side. */
  readonly statementTimeoutMs?: number;
  readonly applicationName?: string;
  /** Told of connections that break while idle; the pool replaces them by itself. */
  readonly onError?: (error: Error) => void;
}

/**
 * A pool of connections. It opens none by itself, so a database that is away does not keep the program from starting.
 * Throws DatabaseError(DatabaseURLInvalid) at once where the URL, or a file that it names, cannot be used.
 */
export function createPool(options: PoolOptions): Pool {
  const statementTimeout = options.statementTimeoutMs ?? 5_000;
  const client = clientOptions(options.url, {
    connectTimeoutMs: options.connectTimeoutMs ?? 5_000,
    statementTimeoutMs: statementTimeout,
    applicationName: options.applicationName ?? 'fraiseql-auth',
  });
  const pool = new Pool({
    ...client,
    Client: namesFiles(options.url) ? clientOfFiles(client) : EndingClient,
    max: options.size,
    maxLifetimeSeconds: options.maxLifetimeSeconds,
    idleTimeoutMillis: IDLE_MS,
  });
  // Without a listener the break of an idle connection ends the process.
  pool.on('error', (error) => options.onError?.(error));
  return pool;
}

const FILES = ['sslrootcert', 'sslcert', 'sslkey'];
/** What the driver makes its TLS options of. */
const TLS_PARAMETERS = [...FILES, 'sslmode', 'ssl', 'sslnegotiation', 'uselibpqcompat'];

function namesFiles(url: string): boolean {
  const {parameters} = parseDatabaseUrl(url);
  return FILES.some((name) => parameters.has(name));
}

/**
 * Connections by the files that the URL names as they are at that moment, so that a new authority counts without a
 * restart; by what they held before where one cannot be read. The driver reads them when it makes a connection, and the
 * pool does that at moments where nobody catches what it throws: a file that is gone would end the process.
 */
function clientOfFiles(config: ClientConfig): new () => Client {
  const url = new URL(config.connectionString ?? '');
  const negotiation = url.searchParams.get('sslnegotiation') === 'direct' ? 'direct' : 'postgres';
  for (const name of TLS_PARAMETERS) url.searchParams.delete(name);
  let {ssl} = new Client(config);
  const latest = (): ClientConfig => {
    try {
      ({ssl} = new Client(config));
    } catch (error) {
      if (!(error instanceof Error && 'syscall' in error)) throw error;
    }
    return {...config, connectionString: url.href, ssl, sslnegotiation: negotiation};
  };
  return class extends EndingClient {
    constructor() {
      super(latest());
    }
  };
}

interface ClientOptions {
  readonly connectTimeoutMs: number;
  readonly statementTimeoutMs: number;
  readonly applicationName: string;
}

/** One connection, not yet made. Throws DatabaseError(DatabaseURLInvalid) like `createPool`. */
export function createClient(url: string, options: ClientOptions): Client {
  return new EndingClient(clientOptions(url, options));
}

/** Checks that the driver can use the URL, which otherwise fails only later. */
function clientOptions(url: string, options: ClientOptions): ClientConfig {
  const config: ClientConfig = {
    connectionString: parseDatabaseUrl(url).url,
    connectionTimeoutMillis: options.connectTimeoutMs,
    statement_timeout: options.statementTimeoutMs,
    // The server's own limit comes first; this one is for a server that no longer answers at all.
    query_timeout: options.statementTimeoutMs + 1_000,
    idle_in_transaction_session_timeout: options.statementTimeoutMs * 2,
    application_name: options.applicationName,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
  };
  try {
    void new Client(config);
  } catch (error) {
    throw new DatabaseError(
      'DatabaseURLInvalid',
      `the database URL cannot be used: ${withoutUrl(error)}`,
      'Correct the sslmode, sslrootcert, sslcert or sslkey parameter, or the file that it names.',
      error,
    );
  }
  return config;
}

function withoutUrl(error: unknown): string {
  const text = error instanceof Error ? error.message : 'unknown error';
  return text.replaceAll(/postgres(ql)?:\/\/\S+/g, '(the URL)');
}
