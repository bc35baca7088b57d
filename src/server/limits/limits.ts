import type {RateLimits} from '../../support/configuration/configuration.ts';
import {AuthError} from '../../support/errors.ts';
import {hashOf} from '../sessions/secrets.ts';
import type {Counters, Rate} from './counters.ts';
import {networkOf} from './network.ts';

const MINUTE_MS = 60_000;

/** The limits that are counted by address. */
export type AddressLimit = 'start' | 'callback' | 'logout';

/** The requests that a client may make. */
export class Limits {
  readonly #counters: Counters;
  #rates: ReturnType<typeof ratesOf>;

  constructor(limits: RateLimits, counters: Counters) {
    this.#counters = counters;
    this.#rates = ratesOf(limits);
  }

  /** From now on other numbers hold. */
  replace(limits: RateLimits): void {
    this.#rates = ratesOf(limits);
  }

  /** Counts a request of that address. Throws `rate_limited` where it is one too many. */
  async admit(limit: AddressLimit, address: string): Promise<void> {
    const network = networkOf(address);
    const [wait, locked] = await Promise.all([
      this.#counters.take(this.#rates[limit], network),
      limit === 'logout' ? 0 : this.#counters.wait(this.#rates.failures, network),
    ]);
    if (wait > 0) throw tooMany(limit, network, wait);
    if (locked > 0) throw tooMany('failed logins', network, locked);
  }

  /**
   * Counts a login of that address that failed, where the failure is the client's doing. Only one that was under way in
   * that very browser: else any page could make its visitors' addresses fail.
   */
  async loginFailed(address: string, error: unknown): Promise<void> {
    const theirs = error instanceof AuthError && error.status < 500 && error.code !== 'invalid_request';
    if (theirs) await this.#counters.count(this.#rates.failures, networkOf(address));
  }

  /** Throws `rate_limited` where the session of that refresh token was refreshed too often. */
  async admitRefresh(token: string): Promise<void> {
    const wait = await this.#counters.blocked(hashOf(token));
    if (wait > 0) throw tooMany('refreshes', 'its session', wait);
  }

  /**
   * Counts a refresh that gave a new token; one that gave the same answer again does not count. Of a token nobody knows
   * the session before the database has told it, and then it is used up: so it is the next one that has to wait.
   */
  async refreshed(session: string, token: string): Promise<void> {
    const wait = await this.#counters.count(this.#rates.refreshes, session);
    if (wait > 0) await this.#counters.block(hashOf(token), wait);
  }
}

function ratesOf(limits: RateLimits): Record<AddressLimit | 'failures' | 'refreshes', Rate> {
  const perMinute = (name: string, limit: number): Rate => ({name, limit, periodMs: MINUTE_MS});
  return {
    start: perMinute('start', limits.startPerMinute),
    callback: perMinute('callback', limits.callbackPerMinute),
    logout: perMinute('logout', limits.logoutPerMinute),
    failures: {name: 'failures', limit: limits.failedLoginsPerHour, periodMs: 60 * MINUTE_MS},
    refreshes: perMinute('refresh', limits.refreshPerMinute),
  };
}

/** The 429. */
export function tooMany(limit: string, whose: string, seconds: number): AuthError {
  return new AuthError('rate_limited', `the limit of ${limit} is used up for ${whose}`, {
    message: `Too many requests. Retry after ${seconds} seconds`,
    headers: {'retry-after': String(seconds)},
  });
}
