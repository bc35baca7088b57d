import {sign, subtle, type KeyObject} from 'node:crypto';
import type {Algorithm, SigningKey} from '../../support/configuration/configuration.ts';

/** What `node:crypto` needs to be told for each algorithm (RFC 7518, section 3; RFC 8037). */
const DIGEST: Readonly<Record<Algorithm, string | null>> = {RS256: 'sha256', ES256: 'sha256', EdDSA: null};

/** The key that signs. */
export interface Signer {
  readonly kid: string;
  readonly algorithm: Algorithm;
  /** The signature, base64url. */
  sign(input: string): Promise<string>;
  /** The token's first part: header, base64url, and the dot. */
  readonly header: string;
}

/** A key by which a signature is checked. */
export interface Verifier {
  readonly algorithm: Algorithm;
  readonly digest: string | null;
  readonly key: {readonly key: KeyObject; readonly dsaEncoding: 'ieee-p1363'};
}

/** The keys in use: one signs, all verify and are published. Replaced as a whole when the configuration changes. */
export class KeySet {
  readonly signer: Signer;
  /** The JWK Set (RFC 7517), ready to be sent. */
  readonly published: string;
  readonly #verifiers: ReadonlyMap<string, Verifier>;

  constructor(keys: readonly SigningKey[]) {
    const signing = keys.find((key) => key.privateKey !== undefined);
    if (!signing?.privateKey) throw new Error('no key signs');
    this.signer = {
      kid: signing.kid,
      algorithm: signing.algorithm,
      sign: signerOf(signing.algorithm, signing.privateKey),
      header: `${encode({alg: signing.algorithm, typ: 'at+jwt', kid: signing.kid})}.`,
    };
    this.#verifiers = new Map(
      keys.map((key) => [
        key.kid,
        {
          algorithm: key.algorithm,
          digest: DIGEST[key.algorithm],
          key: {key: key.publicKey, dsaEncoding: 'ieee-p1363'},
        },
      ]),
    );
    this.published = JSON.stringify({
      keys: keys.map((key) => ({
        ...key.publicKey.export({format: 'jwk'}),
        kid: key.kid,
        alg: key.algorithm,
        use: 'sig',
      })),
    });
  }

  verifier(kid: string): Verifier | undefined {
    return this.#verifiers.get(kid);
  }
}

function encode(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}

/**
 * Signs on a thread of the pool, so that an RSA signature (a third of a millisecond) does not hold up other requests.
 * `sign` gives ECDSA signatures in DER, unless it is handed the key among options, which costs it far more than the
 * signature does; JWS wants them plain (RFC 7518, section 3.4), as WebCrypto gives them.
 */
function signerOf(algorithm: Algorithm, key: KeyObject): Signer['sign'] {
  if (algorithm === 'ES256') {
    const cryptoKey = key.toCryptoKey({name: 'ECDSA', namedCurve: 'P-256'}, false, ['sign']);
    const parameters = {name: 'ECDSA', hash: 'SHA-256'};
    return async (input) =>
      Buffer.from(await subtle.sign(parameters, cryptoKey, Buffer.from(input))).toString('base64url');
  }
  return (input) =>
    new Promise((resolve, reject) => {
      sign(DIGEST[algorithm], Buffer.from(input), key, (error, signature) => {
        if (error) reject(error);
        else resolve(signature.toString('base64url'));
      });
    });
}
