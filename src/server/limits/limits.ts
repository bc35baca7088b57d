import type {Clock} from '../../support/clock.ts';
import type {RateLimits} from '../../support/configuration/configuration.ts';
import {AuthError} from '../../support/errors.ts';
import {hashOf} from '../sessions/secrets.ts';
import {Limiter} from './limiter.ts';
import {networkOf} from './network.ts';

const MINUTE_MS = 60_000;

export type AddressLimit = 'start' | 'callback' | 'logout';

/** The requests that a client may make: counted in this process, so that each replica counts for itself. */
export class Limits {
  readonly #byAddress: Readonly<Record<AddressLimit, Limiter>>;
  readonly #failures: Limiter;
  readonly #refreshes: Limiter;
  readonly #sessions: LiveTokens;

  constructor(limits: RateLimits, clock: Clock) {
    this.#byAddress = {
      start: new Limiter(limits.startPerMinute, MINUTE_MS, clock),
      callback: new Limiter(limits.callbackPerMinute, MINUTE_MS, clock),
      logout: new Limiter(limits.logoutPerMinute, MINUTE_MS, clock),
    };
    this.#failures = new Limiter(limits.failedLoginsPerHour, 60 * MINUTE_MS, clock);
    this.#refreshes = new Limiter(limits.refreshPerMinute, MINUTE_MS, clock);
    this.#sessions = new LiveTokens();
  }

  /** Counts a request of that address. Throws `rate_limited` where it is one too many. */
  admit(limit: AddressLimit, address: string): void {
    const network = networkOf(address);
    const limiter = this.#byAddress[limit];
    const wait = limiter.wait(network);
    if (wait > 0) throw tooMany(limit, network, wait);
    limiter.count(network);
    const locked = limit === 'logout' ? 0 : this.#failures.wait(network);
    if (locked > 0) throw tooMany('failed logins', network, locked);
  }

  /** Counts a login of that address that failed, where the failure is the client's doing. */
  loginFailed(address: string, error: unknown): void {
    const theirs = error instanceof AuthError && error.status < 500 && error.code !== 'invalid_request';
    if (theirs) this.#failures.count(networkOf(address));
  }

  /**
   * Throws `rate_limited` where the session of that refresh token was refreshed too often. A token whose session is not
   * known here, because another replica issued it, passes.
   */
  admitRefresh(token: string): void {
    const session = this.#sessions.of(token);
    const wait = session === undefined ? 0 : this.#refreshes.wait(session);
    if (wait > 0) throw tooMany('refreshes', `session ${session}`, wait);
  }

  /** Counts a refresh that gave a new token; one that gave the same answer again does not count. */
  refreshed(session: string, token: string): void {
    this.#refreshes.count(session);
    this.#sessions.set(session, token);
  }
}

/** Which session the refresh tokens are of that were issued here last. */
class LiveTokens {
  readonly #sessions = new Map<string, string>();
  readonly #tokens = new Map<string, string>();

  of(token: string): string | undefined {
    return this.#sessions.get(hashOf(token));
  }

  set(session: string, token: string): void {
    const before = this.#tokens.get(session);
    if (before !== undefined) this.#sessions.delete(before);
    const hash = hashOf(token);
    this.#tokens.delete(session);
    this.#tokens.set(session, hash);
    this.#sessions.set(hash, session);
    const [oldest] = this.#tokens;
    if (this.#tokens.size <= MAX_SESSIONS || oldest === undefined) return;
    this.#tokens.delete(oldest[0]);
    this.#sessions.delete(oldest[1]);
  }
}

const MAX_SESSIONS = 50_000;

function tooMany(limit: string, whose: string, seconds: number): AuthError {
  return new AuthError('rate_limited', `the limit of ${limit} is used up for ${whose}`, {
    message: `Too many requests. Retry after ${seconds} seconds`,
    headers: {'retry-after': String(seconds)},
  });
}
