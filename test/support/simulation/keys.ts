import type * as crypto from 'node:crypto';
import {promisify} from 'node:util';

type Crypto = typeof crypto;

/**
 * `node:crypto` whose key pairs are there at once, for what a thread of its own does is outside the simulated time; and
 * one a type, so that the order of keys is always the same, or, for what rotates, a `fresh` one each time. For
 * `vi.mock('node:crypto', …)`.
 */
export function withSynchronousKeys(real: Crypto, {fresh = false} = {}): Crypto {
  const make = real.generateKeyPairSync as (type: string, options: object) => unknown;
  const known = new Map<string, unknown>();
  const generateKeyPair = Object.assign(() => undefined, {
    [promisify.custom]: (type: string, options: object = {}) => {
      const pair = (fresh ? undefined : known.get(type)) ?? make(type, options);
      known.set(type, pair);
      return Promise.resolve(pair);
    },
  });
  return {...real, generateKeyPair} as unknown as Crypto;
}
