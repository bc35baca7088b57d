import {createHash} from 'node:crypto';
import {
  decodeProtectedHeader,
  errors,
  jwtVerify,
  type JWTPayload,
  type JWTVerifyGetKey,
  type JWTVerifyResult,
} from 'jose';

/** Signature algorithms that an ID token may have: never `none`, never one with a shared secret (RFC 8725, 3.1, 3.2). */
const ACCEPTED = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
];

export const CLOCK_TOLERANCE_SECONDS = 60;

export interface IdTokenExpectation {
  readonly issuer: string;
  readonly clientId: string;
  readonly nonce: string;
  readonly accessToken: string;
  readonly keys: JWTVerifyGetKey;
  readonly now: Date;
}

export interface IdTokenClaims extends JWTPayload {
  readonly iss: string;
  readonly sub: string;
}

/**
 * Checks an ID token as OpenID Connect Core 3.1.3.7 and 3.1.3.8 say, signature included. Throws a JOSEError that names
 * the check that failed; rejects with the fetch's error where the provider's keys cannot be had.
 */
export async function checkIdToken(token: string, expected: IdTokenExpectation): Promise<IdTokenClaims> {
  const {alg} = decodeProtectedHeader(token);
  const {payload} = await verifySigned(token, expected, ['sub', 'exp', 'iat']);
  if (payload['nonce'] !== expected.nonce) throw refused(payload, 'nonce');
  if (payload['azp'] !== undefined && payload['azp'] !== expected.clientId) throw refused(payload, 'azp');
  if (Array.isArray(payload.aud) && payload.aud.length > 1 && payload['azp'] === undefined)
    throw refused(payload, 'azp');
  if (payload['at_hash'] !== undefined && payload['at_hash'] !== halfHash(expected.accessToken, alg ?? ''))
    throw refused(payload, 'at_hash');
  const {iss, sub} = payload;
  // The length is what OpenID Connect Core, section 2, allows.
  if (typeof iss !== 'string' || typeof sub !== 'string' || !/^\P{Cc}{1,255}$/u.test(sub))
    throw refused(payload, 'sub');
  return {...payload, iss, sub};
}

/** What a token's signature, issuer, audience and times are held against. */
interface Expectation {
  readonly issuer: string;
  readonly clientId: string;
  readonly keys: JWTVerifyGetKey;
  readonly now: Date;
}

/** A token signed by the provider for this client, its times right, with these claims at least. */
export async function verifySigned(
  token: string,
  expected: Expectation,
  requiredClaims: string[],
): Promise<JWTVerifyResult> {
  const result = await verify(token, expected, requiredClaims);
  // The library holds `iat` against the clock only where a token may be of no more than some age.
  const {payload} = result;
  if ((payload.iat ?? 0) > expected.now.getTime() / 1000 + CLOCK_TOLERANCE_SECONDS)
    throw refused(payload, 'iat');
  return result;
}

async function verify(
  token: string,
  expected: Expectation,
  requiredClaims: string[],
): Promise<JWTVerifyResult> {
  const options = {
    algorithms: ACCEPTED,
    issuer: expected.issuer,
    audience: expected.clientId,
    requiredClaims,
    clockTolerance: CLOCK_TOLERANCE_SECONDS,
    currentDate: expected.now,
  };
  try {
    return await jwtVerify(token, expected.keys, options);
  } catch (error) {
    if (!(error instanceof errors.JWKSMultipleMatchingKeys)) throw error;
    // Several keys without a kid: each is tried, as Core 10.1 leaves to us.
    for await (const key of error) {
      try {
        return await jwtVerify(token, key, options);
      } catch (failure) {
        if (!(failure instanceof errors.JWSSignatureVerificationFailed)) throw failure;
      }
    }
    throw new errors.JWSSignatureVerificationFailed();
  }
}

/** The left half of the token's hash; the hash is the one of the signature's algorithm (Core 3.1.3.6). */
function halfHash(accessToken: string, algorithm: string): string {
  const size = /(256|384|512)$/.exec(algorithm)?.[1] ?? '512';
  // Ed25519 ends in digits that are no hash size.
  const name = algorithm.startsWith('Ed') ? 'sha512' : `sha${size}`;
  const hash = createHash(name).update(accessToken).digest();
  return hash.subarray(0, hash.length / 2).toString('base64url');
}

function refused(payload: JWTPayload, claim: string): errors.JWTClaimValidationFailed {
  return new errors.JWTClaimValidationFailed(
    `unexpected "${claim}" claim value`,
    payload,
    claim,
    'check_failed',
  );
}
