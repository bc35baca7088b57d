import type * as crypto from 'node:crypto';
import {promisify} from 'node:util';

type Crypto = typeof crypto;

// Test files share modules, and so whichever mock came first: what a file wants stands where all of them see it.
const WANTED = globalThis as {simulatedKeysAreFresh?: boolean};

/**
 * `node:crypto` whose key pairs are there at once, for what a thread of its own does is outside the simulated time; and
 * one a type, so that the order of keys is always the same, but for {@link freshKeys}. For `vi.mock('node:crypto', …)`.
 */
export function withSynchronousKeys(real: Crypto): Crypto {
  const make = real.generateKeyPairSync as (type: string, options: object) => unknown;
  const known = new Map<string, unknown>();
  const generateKeyPair = Object.assign(() => undefined, {
    [promisify.custom]: (type: string, options: object = {}) => {
      const pair =
        (WANTED.simulatedKeysAreFresh === true ? undefined : known.get(type)) ?? make(type, options);
      known.set(type, pair);
      return Promise.resolve(pair);
    },
  });
  return {...real, generateKeyPair} as unknown as Crypto;
}

/** From now on each key is a new one, for what rotates; or again one a type. */
export function freshKeys(fresh: boolean): void {
  WANTED.simulatedKeysAreFresh = fresh;
}
