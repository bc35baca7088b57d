import {createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject} from 'node:crypto';
import {basename, extname} from 'node:path';
import {thumbprint} from '../thumbprint.ts';
import type {Algorithm, SigningKey} from './configuration.ts';
import type {FileSigningKey} from './file.ts';
import type {Findings} from './problems.ts';
import type {Sources} from './sources.ts';

interface Reading {
  readonly algorithm: Algorithm;
  readonly development: boolean;
  readonly sources: Sources;
  readonly findings: Findings;
}

/**
 * The keys of the file (undefined where it could not be read) and JWT_SIGNING_KEY, which signs where it is set. Exactly
 * one signs; without any, only a server for development makes one, which its restart forgets.
 */
export function readSigningKeys(
  fromFile: readonly FileSigningKey[] | undefined,
  reading: Reading,
): SigningKey[] {
  const listed = fromFile ?? [];
  const {sources, findings} = reading;
  const keys: SigningKey[] = [];
  const byVariable = {algorithm: reading.algorithm, setting: 'JWT_ALGORITHM'};
  const fromVariable = sources.has('JWT_SIGNING_KEY');
  if (fromVariable) {
    const pem = sources.secret('JWT_SIGNING_KEY');
    // A PEM in one line, as .env files have it, writes its line ends as \n.
    const key =
      pem &&
      toKey(pem.replaceAll(String.raw`\n`, '\n'), {
        ...byVariable,
        name: 'JWT_SIGNING_KEY',
        signs: true,
        findings,
      });
    if (key) keys.push({...key, kid: thumbprint(key.publicKey)});
  }
  for (const [index, entry] of listed.entries()) {
    const where = `AUTH_CONFIG_FILE signingKeys[${index}]`;
    const pem = sources.file(`${where}.file`, entry.file);
    if (pem === undefined) continue;
    const signs = entry.use === 'sign' && !fromVariable;
    const wanted = entry.algorithm ? {algorithm: entry.algorithm, setting: 'its algorithm'} : byVariable;
    const key = toKey(pem, {...wanted, name: where, signs, findings});
    if (!key) continue;
    const kid = entry.kid ?? basename(entry.file, extname(entry.file));
    if (keys.some((other) => other.kid === kid)) findings.problem(`${where}.kid`, `"${kid}" is used twice`);
    keys.push({...key, kid});
  }
  const signing =
    (fromVariable ? 1 : 0) + (fromVariable ? 0 : listed.filter((entry) => entry.use === 'sign').length);
  if (signing > 1) findings.problem('AUTH_CONFIG_FILE signingKeys', 'exactly one may have use: sign');
  if (signing === 0 && listed.length > 0)
    findings.problem('AUTH_CONFIG_FILE signingKeys', 'one must have use: sign');
  if (signing === 0 && listed.length === 0 && fromFile !== undefined) {
    if (reading.development) keys.push(developmentKey(reading.algorithm));
    else
      findings.problem(
        'JWT_SIGNING_KEY',
        'is needed: a private key in PEM (openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048), ' +
          'or JWT_SIGNING_KEY_FILE, or signingKeys in AUTH_CONFIG_FILE; for development start with --dev',
      );
  }
  return keys;
}

interface Wanted {
  readonly algorithm: Algorithm;
  /** What says so. */
  readonly setting: string;
  /** Where the key stands. */
  readonly name: string;
  readonly signs: boolean;
  readonly findings: Findings;
}

function toKey(
  pem: string,
  {algorithm, setting, name, signs, findings}: Wanted,
): Omit<SigningKey, 'kid'> | undefined {
  const privateKey = parse(createPrivateKey, pem);
  const publicKey = privateKey ? createPublicKey(privateKey) : parse(createPublicKey, pem);
  if (publicKey === undefined) {
    findings.problem(name, 'is not an unencrypted key in PEM');
    return undefined;
  }
  if (signs && privateKey === undefined) {
    findings.problem(name, 'is a public key; signing needs the private one');
    return undefined;
  }
  const mismatch = misfit(publicKey, algorithm, setting);
  if (mismatch !== undefined) {
    findings.problem(name, mismatch);
    return undefined;
  }
  return {algorithm, publicKey, privateKey: signs ? privateKey : undefined};
}

/** What makes that key unfit for that algorithm (RFC 7518, sections 3.3 and 3.4; RFC 8037). */
function misfit(key: KeyObject, algorithm: Algorithm, setting: string): string | undefined {
  const {modulusLength = 0, namedCurve} = key.asymmetricKeyDetails ?? {};
  const fits = {
    RS256: key.asymmetricKeyType === 'rsa',
    ES256: namedCurve === 'prime256v1',
    EdDSA: key.asymmetricKeyType === 'ed25519',
  };
  const needed = {RS256: 'RSA', ES256: 'P-256', EdDSA: 'Ed25519'}[algorithm];
  if (!fits[algorithm]) return `is no ${needed} key, which ${algorithm} needs (${setting})`;
  return algorithm === 'RS256' && modulusLength < 2048 ? 'is an RSA key of less than 2048 bits' : undefined;
}

function parse(reader: (pem: string) => KeyObject, pem: string): KeyObject | undefined {
  try {
    return reader(pem);
  } catch (error) {
    // OpenSSL's message can quote what it could not decode, so it goes no further.
    if (error instanceof Error) return undefined;
    throw error;
  }
}

/** Makes the key of a server for development. */
export function developmentKey(algorithm: Algorithm): SigningKey {
  const {privateKey, publicKey} =
    algorithm === 'RS256'
      ? generateKeyPairSync('rsa', {modulusLength: 2048})
      : algorithm === 'ES256'
        ? generateKeyPairSync('ec', {namedCurve: 'prime256v1'})
        : generateKeyPairSync('ed25519');
  return {kid: thumbprint(publicKey), algorithm, privateKey, publicKey};
}
