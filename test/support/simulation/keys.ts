import {generateKeyPairSync, type KeyObject} from 'node:crypto';
import type {Algorithm} from '../../../src/operator/decide/rotation-inputs.ts';
import {signingKeyOf, type SigningKey} from '../../../src/operator/reconcile/mint.ts';

// A key is there at once: what a thread of its own does takes its time outside of the simulated one.

/** A new one each time, for what rotates. */
export function freshKey(algorithm: Algorithm): Promise<SigningKey> {
  return Promise.resolve(signingKeyOf(generated(algorithm)));
}

const known = new Map<Algorithm, SigningKey>();

/** One an algorithm, so that the order of keys is always the same. */
export function sameKey(algorithm: Algorithm): Promise<SigningKey> {
  const key = known.get(algorithm) ?? signingKeyOf(generated(algorithm));
  known.set(algorithm, key);
  return Promise.resolve(key);
}

function generated(algorithm: Algorithm): KeyObject {
  switch (algorithm) {
    case 'RS256':
      return generateKeyPairSync('rsa', {modulusLength: 2048}).privateKey;
    case 'ES256':
      return generateKeyPairSync('ec', {namedCurve: 'P-256'}).privateKey;
    case 'EdDSA':
      return generateKeyPairSync('ed25519').privateKey;
    default:
      return algorithm satisfies never;
  }
}
