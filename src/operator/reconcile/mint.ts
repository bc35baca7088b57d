import {createPublicKey, generateKeyPair, randomBytes, type KeyObject} from 'node:crypto';
import {promisify} from 'node:util';
import {thumbprint} from '../../support/thumbprint.ts';
import type {Algorithm} from '../decide/rotation-inputs.ts';
import {RSA_BITS} from '../key-view.ts';

const generate = promisify(generateKeyPair);

/** `kid` is the RFC 7638 thumbprint of the public half; `pem` the private half, PKCS #8. */
export interface SigningKey {
  readonly kid: string;
  readonly pem: string;
}

/** Where a new key pair comes from. */
export type KeyMint = (algorithm: Algorithm) => Promise<SigningKey>;

/** A new key pair, made on a thread of its own. */
export async function mintSigningKey(algorithm: Algorithm): Promise<SigningKey> {
  return signingKeyOf(await newKey(algorithm));
}

/** A private key as it is kept: PKCS #8 in PEM form, and named by its thumbprint (RFC 7638). */
export function signingKeyOf(privateKey: KeyObject): SigningKey {
  return {
    kid: thumbprint(createPublicKey(privateKey)),
    pem: privateKey.export({type: 'pkcs8', format: 'pem'}).toString(),
  };
}

async function newKey(algorithm: Algorithm): Promise<KeyObject> {
  switch (algorithm) {
    case 'RS256':
      return (await generate('rsa', {modulusLength: RSA_BITS})).privateKey;
    case 'ES256':
      return (await generate('ec', {namedCurve: 'P-256'})).privateKey;
    case 'EdDSA':
      return (await generate('ed25519')).privateKey;
    default:
      return algorithm satisfies never;
  }
}

/** The key that seals logins under way: 32 random bytes in base64. */
export function mintStateKey(): string {
  return randomBytes(32).toString('base64');
}
