import {collectDefaultMetrics, Counter, Gauge, Histogram, Registry} from 'prom-client';
import type {Pool} from 'pg';
import {standardOutput} from '../support/standard-output.ts';
import {URGENCIES, type Urgency} from './overload/urgency.ts';

/** What GET /metrics/auth answers: FraiseQL's documented integers. */
export interface AuthTotals {
  total_auth_attempts: number;
  successful_authentications: number;
  failed_authentications: number;
  tokens_issued: number;
  tokens_refreshed: number;
  sessions_revoked: number;
}

/** Why a session was ended before its time. */
export type RevocationReason =
  | 'logout'
  | 'logout_all'
  | 'replaced'
  | 'reuse'
  | 'user'
  | 'token_revoked'
  | 'backchannel_logout';

const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];
const MILLISECONDS = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000];

/** The server's own metrics. No label ever holds a user, a session or anything that a client chose. */
export class Metrics {
  readonly registry = new Registry();
  readonly totals: AuthTotals = {
    total_auth_attempts: 0,
    successful_authentications: 0,
    failed_authentications: 0,
    tokens_issued: 0,
    tokens_refreshed: 0,
    sessions_revoked: 0,
  };
  readonly #attempts = this.#counter('fraiseql_auth_attempts_total', 'Logins begun', ['provider']);
  readonly #successes = this.#counter('fraiseql_auth_successes_total', 'Logins completed', ['provider']);
  readonly #failures = this.#counter('fraiseql_auth_failures_total', 'Logins and refreshes refused', [
    'provider',
    'reason',
  ]);
  readonly #revoked = this.#counter('fraiseql_sessions_revoked_total', 'Sessions ended before their time', [
    'reason',
  ]);
  readonly #refreshed = this.#counter('fraiseql_auth_refreshes_total', 'Refreshes answered', ['replayed']);
  readonly #validation = this.#histogram(
    'fraiseql_auth_validation_duration_ms',
    'Time to validate an access token or a session, in milliseconds',
    [],
    MILLISECONDS,
  );
  readonly #lag = this.#histogram(
    'fraiseql_auth_revocation_lag_ms',
    'Time from a word in the revocation feed to its being heard here, in milliseconds',
    [],
    MILLISECONDS,
  );
  readonly #exchange = this.#histogram(
    'fraiseql_oauth_exchange_duration_ms',
    'Time to exchange a code at the provider, in milliseconds',
    ['provider'],
    MILLISECONDS,
  );
  readonly #requests = this.#histogram(
    'fraiseql_auth_request_duration_seconds',
    'Requests by route, method and status',
    ['route', 'method', 'status'],
    SECONDS,
  );
  readonly #up = this.#gauge('fraiseql_auth_dependency_up', '1 while what the server needs can be used', [
    'dependency',
  ]);
  readonly #errors = this.#gauge('fraiseql_auth_dependency_error', 'Why it cannot be used', [
    'dependency',
    'reason',
  ]);
  readonly #keys = this.#gauge('fraiseql_auth_signing_key', 'Keys in use; 1 signs, 0 only verifies', [
    'kid',
    'algorithm',
  ]);
  readonly #lifetime = this.#gauge(
    'fraiseql_auth_access_token_lifetime_seconds',
    'How long the access tokens are valid that are signed now',
    [],
  );
  readonly #reload = this.#counter('fraiseql_auth_configuration_reloads_total', 'Configuration reloads', [
    'outcome',
  ]);
  readonly #shed = this.#counter('fraiseql_auth_shed_total', 'Work refused because there was too much', [
    'urgency',
    'cause',
  ]);
  readonly #cache = this.#counter('fraiseql_auth_session_cache_total', 'Sessions looked for in Redis', [
    'outcome',
  ]);

  readonly #swept = this.#counter('fraiseql_auth_swept_total', 'Rows swept because nobody can ask for them', [
    'kind',
  ]);
  readonly #sweepFailures = this.#counter('fraiseql_auth_sweep_failures_total', 'Sweeps that failed', [
    'kind',
  ]);
  readonly #certificates = this.#counter(
    'fraiseql_auth_tls_reloads_total',
    'Reloads of the TLS certificate',
    ['outcome'],
  );
  /** Registered when there is a certificate: the 1970 of a server without one would alarm somebody. */
  #expiry: Gauge | undefined;

  /** The fault that each dependency's error series shows now. */
  readonly #reasons = new Map<string, string>();

  constructor() {
    // Event-loop delay, memory and collection pauses, under their customary names.
    collectDefaultMetrics({register: this.registry});
    this.registry.registerMetric(lostLines());
  }

  watchPool(pool: Pool, size: number, waiting: (urgency: Urgency) => number): void {
    const gauge = new Gauge({
      name: 'fraiseql_auth_database_pool',
      help: 'Connections of the pool, and requests that wait for one',
      labelNames: ['state'],
      registers: [this.registry],
      collect() {
        gauge.set({state: 'idle'}, pool.idleCount);
        gauge.set({state: 'busy'}, pool.totalCount - pool.idleCount);
        gauge.set({state: 'waiting'}, pool.waitingCount + sum(URGENCIES.map(waiting)));
        gauge.set({state: 'max'}, size);
      },
    });
  }

  watchInFlight(count: (urgency: Urgency) => number): void {
    const gauge = new Gauge({
      name: 'fraiseql_auth_requests_in_flight',
      help: 'Requests under way, by how urgent they are',
      labelNames: ['urgency'],
      registers: [this.registry],
      collect() {
        for (const urgency of URGENCIES) gauge.set({urgency}, count(urgency));
      },
    });
  }

  /** Something was refused for the sake of what is more urgent. */
  shed(urgency: Urgency, cause: 'in_flight' | 'event_loop' | 'database'): void {
    this.#shed.inc({urgency, cause});
  }

  watchFeed(live: () => boolean): void {
    const gauge: Gauge = new Gauge({
      name: 'fraiseql_auth_revocation_feed_up',
      help: '1 while ended sessions are heard of; 0: each request asks the database',
      registers: [this.registry],
      collect(): void {
        gauge.set(live() ? 1 : 0);
      },
    });
  }

  feedBeat(lagMs: number): void {
    this.#lag.observe(lagMs);
  }

  loginStarted(provider: string): void {
    this.totals.total_auth_attempts++;
    this.#attempts.inc({provider});
  }

  loginSucceeded(provider: string): void {
    this.totals.successful_authentications++;
    this.#successes.inc({provider});
  }

  /** A login gave an access token: one of a browser that keeps its session in a cookie gives none. */
  tokenIssued(): void {
    this.totals.tokens_issued++;
  }

  /**
   * A login or a refresh was refused. `reason` is a code of the catalogue, or why a refresh token is spent: those who make
   * tokens up are then told apart from those who held one.
   */
  loginFailed(provider: string, reason: string): void {
    this.totals.failed_authentications++;
    this.#failures.inc({provider, reason});
  }

  refreshed(replayed: boolean): void {
    this.totals.tokens_issued++;
    this.totals.tokens_refreshed++;
    this.#refreshed.inc({replayed: String(replayed)});
  }

  sessionsRevoked(reason: RevocationReason, count: number): void {
    this.totals.sessions_revoked += count;
    this.#revoked.inc({reason}, count);
  }

  sessionCache(outcome: 'hit' | 'miss' | 'distrusted'): void {
    this.#cache.inc({outcome});
  }

  validated(ms: number): void {
    this.#validation.observe(ms);
  }

  exchanged(provider: string, ms: number): void {
    this.#exchange.observe({provider}, ms);
  }

  request(route: string, method: string, status: number, ms: number): void {
    this.#requests.observe({route, method, status: String(status)}, ms / 1000);
  }

  dependency(name: string, up: boolean, reason: string | undefined): void {
    this.#up.set({dependency: name}, up ? 1 : 0);
    const before = this.#reasons.get(name);
    if (before !== undefined) this.#errors.remove({dependency: name, reason: before});
    this.#reasons.delete(name);
    if (up) return;
    this.#reasons.set(name, reason ?? 'unknown');
    this.#errors.set({dependency: name, reason: reason ?? 'unknown'}, 1);
  }

  /** It is needed no more: nothing is said of it. */
  forgetDependency(name: string): void {
    const reason = this.#reasons.get(name);
    this.#up.remove({dependency: name});
    if (reason !== undefined) this.#errors.remove({dependency: name, reason});
    this.#reasons.delete(name);
    this.credentialsRefused(name, false);
  }

  /** Whether the provider refuses our own client id or secret; it answers, so it may be up beside. */
  credentialsRefused(name: string, refused: boolean): void {
    const labels = {dependency: name, reason: 'authentication_failed'};
    if (refused) this.#errors.set(labels, 1);
    else this.#errors.remove(labels);
  }

  keysInUse(signing: string, keys: readonly {kid: string; algorithm: string}[]): void {
    this.#keys.reset();
    for (const {kid, algorithm} of keys) this.#keys.set({kid, algorithm}, kid === signing ? 1 : 0);
  }

  tokenLifetime(seconds: number): void {
    this.#lifetime.set(seconds);
  }

  reloaded(outcome: 'applied' | 'refused'): void {
    this.#reload.inc({outcome});
  }

  swept(kind: string, rows: number): void {
    this.#swept.inc({kind}, rows);
  }

  sweepFailed(kind: string): void {
    this.#sweepFailures.inc({kind});
  }

  certificateReloaded(outcome: 'applied' | 'refused'): void {
    this.#certificates.inc({outcome});
  }

  /** `seconds` since the epoch. */
  certificateExpires(seconds: number): void {
    this.#expiry ??= this.#gauge(
      'fraiseql_auth_tls_certificate_expiry_seconds',
      'When the TLS certificate that is shown expires, seconds since the epoch',
      [],
    );
    this.#expiry.set(seconds);
  }

  #counter<L extends string>(name: string, help: string, labelNames: L[]): Counter<L> {
    return new Counter({name, help, labelNames, registers: [this.registry]});
  }

  #gauge<L extends string>(name: string, help: string, labelNames: L[]): Gauge<L> {
    return new Gauge({name, help, labelNames, registers: [this.registry]});
  }

  #histogram<L extends string>(name: string, help: string, labelNames: L[], buckets: number[]): Histogram<L> {
    return new Histogram({name, help, labelNames, buckets, registers: [this.registry]});
  }
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, each) => total + each, 0);

/** Standard output is the process's, and so is what it lost. */
const lostLines = (): Counter =>
  new Counter({
    name: 'fraiseql_auth_log_lines_lost_total',
    help: 'Lines of the log and the audit trail that standard output did not take',
    registers: [],
    collect() {
      this.reset();
      this.inc(standardOutput.lost);
    },
  });
