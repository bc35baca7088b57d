import {
  createLocalJWKSet,
  errors,
  type FlattenedJWSInput,
  type JWSHeaderParameters,
  type JSONWebKeySet,
} from 'jose';
import type {Clock} from '../../support/clock.ts';
import type {GuardedFetch} from './guarded-fetch.ts';

type LocalKeySet = ReturnType<typeof createLocalJWKSet>;

/** Not more than one fetch in this time because of keys that are not in the set. */
const COOL_DOWN_MS = 1_000;

/**
 * A provider's keys. One fetch serves however many tokens ask for an unknown key at once; a fetch that fails leaves
 * the old set in place.
 */
export class KeyCache {
  readonly #url: string;
  readonly #fetch: GuardedFetch;
  readonly #clock: Clock;
  #keys: LocalKeySet | undefined;
  #fetching: Promise<LocalKeySet> | undefined;
  #missedAt = Number.NEGATIVE_INFINITY;

  constructor(url: string, fetch: GuardedFetch, clock: Clock) {
    this.#url = url;
    this.#fetch = fetch;
    this.#clock = clock;
  }

  /** Whether there is a set, be it old or new. */
  get loaded(): boolean {
    return this.#keys !== undefined;
  }

  /** Fetches the set anew. Rejects where that fails; the old set stays. */
  refresh(): Promise<LocalKeySet> {
    this.#fetching ??= this.#load().finally(() => {
      this.#fetching = undefined;
    });
    return this.#fetching;
  }

  /** The key that signed this, as `jwtVerify` asks for it. Fetches the set where it does not hold the key. */
  readonly find = async (header: JWSHeaderParameters, token: FlattenedJWSInput): ReturnType<LocalKeySet> => {
    const keys = this.#keys ?? (await this.refresh());
    try {
      return await keys(header, token);
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey)) throw error;
      const now = this.#clock.monotonic();
      if (this.#fetching === undefined) {
        if (now - this.#missedAt < COOL_DOWN_MS) throw error;
        this.#missedAt = now;
      }
    }
    const fresh = await this.refresh();
    return fresh(header, token);
  };

  async #load(): Promise<LocalKeySet> {
    const response = await this.#fetch(this.#url, {
      headers: {accept: 'application/json, application/jwk-set+json'},
    });
    if (response.status !== 200) throw new Error(`the provider's JWKS answered ${response.status}`);
    const body: unknown = await response.json();
    // Throws where it is no JWK Set.
    const keys = createLocalJWKSet(body as JSONWebKeySet);
    this.#keys = keys;
    return keys;
  }
}
