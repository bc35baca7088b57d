import type {FastifyRequest} from 'fastify';
import {AuthError} from '../../support/errors.ts';
import type {Clock} from '../../support/clock.ts';
import {countedAddress, type CountedAddress} from './client.ts';
import {Limiter} from './limiter.ts';
import {tooMany} from './limits.ts';
import {networkOf} from './network.ts';

const MINUTE_MS = 60_000;
/**
 * What was made up, of one address: refresh tokens, cookies, tokens to revoke, logout tokens. As many as no gateway has
 * in good faith that asks for many people, and few enough that the database does not feel them.
 */
const CREDENTIALS_PER_MINUTE = 600;
/** Wrong client secrets (RFC 6749, section 2.3.1). */
const CLIENTS_PER_MINUTE = 10;

/** What was wrong: a token or cookie, or a client's secret. */
export type FailedKind = 'credentials' | 'client';

/**
 * Failed credentials by client address: past the limit the address has to wait before anything is looked up for it. What
 * succeeds is not counted. Each replica counts by itself, for what it protects is its own share of the database, and no
 * request waits for it.
 */
export class FailedCredentials {
  readonly #addressOf: CountedAddress;
  readonly #limiters: Readonly<Record<FailedKind, Limiter>>;

  constructor(proxies: readonly string[], clock: Clock) {
    this.#addressOf = countedAddress(proxies);
    this.#limiters = {
      credentials: new Limiter(CREDENTIALS_PER_MINUTE, MINUTE_MS, clock),
      client: new Limiter(CLIENTS_PER_MINUTE, MINUTE_MS, clock),
    };
  }

  /** Throws `rate_limited` where that address failed too often. */
  admit(kind: FailedKind, request: FastifyRequest): void {
    const network = this.#networkOf(request);
    const wait = network === undefined ? 0 : this.#limiters[kind].wait(network);
    if (wait > 0) throw tooMany(`failed ${kind}`, String(network), wait);
  }

  count(kind: FailedKind, request: FastifyRequest): void {
    const network = this.#networkOf(request);
    if (network !== undefined) this.#limiters[kind].count(network);
  }

  /** Does it where the address may, and counts where it is refused for what the client sent. */
  async watch<T>(kind: FailedKind, request: FastifyRequest, act: () => Promise<T> | T): Promise<T> {
    this.admit(kind, request);
    try {
      return await act();
    } catch (error) {
      if (error instanceof AuthError && (error.status === 400 || error.status === 401))
        this.count(kind, request);
      throw error;
    }
  }

  #networkOf(request: FastifyRequest): string | undefined {
    const address = this.#addressOf(request);
    return address === undefined ? undefined : networkOf(address);
  }
}
