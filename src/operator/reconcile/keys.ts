import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPair,
  randomBytes,
  type KeyObject,
} from 'node:crypto';
import {promisify} from 'node:util';
import type {KubeObject} from '../../kube/objects.ts';
import type {KeyView, Observed} from '../observed.ts';
import type {Problem} from '../problem.ts';
import type {Algorithm, KeysFinding} from './decision.ts';

const generate = promisify(generateKeyPair);
/** RFC 7518 section 3.3 asks for 2048 bits at least. */
const RSA_BITS = 2048;

/** A new key pair. `kid` is the RFC 7638 thumbprint of its public half; `pem` the private half, PKCS #8. */
export async function mintSigningKey(algorithm: Algorithm): Promise<{kid: string; pem: string}> {
  const privateKey = await newKey(algorithm);
  return {
    kid: thumbprint(privateKey),
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

/** RFC 7638: the hash of the required members in lexical order. */
function thumbprint(key: KeyObject): string {
  const jwk = createPublicKey(key).export({format: 'jwk'});
  const required = ['crv', 'e', 'kty', 'n', 'x', 'y'].filter((name) => jwk[name] !== undefined);
  const members = JSON.stringify(Object.fromEntries(required.map((name) => [name, jwk[name]])));
  return createHash('sha256').update(members).digest('base64url');
}

/** What a PEM is good for; never any of it. */
export function viewKey(kid: string, pem: string): KeyView {
  let key: KeyObject;
  try {
    key = createPrivateKey(pem);
  } catch {
    return {kid, problem: 'it is not a private key in PEM form'};
  }
  const {asymmetricKeyType: type, asymmetricKeyDetails: details} = key;
  if (type === 'rsa') {
    const bits = details?.modulusLength ?? 0;
    return bits >= RSA_BITS
      ? {kid, algorithm: 'RS256'}
      : {kid, problem: `it is an RSA key of ${bits} bits, and needs ${RSA_BITS} at least`};
  }
  if (type === 'ec' && details?.namedCurve === 'prime256v1') return {kid, algorithm: 'ES256'};
  if (type === 'ed25519') return {kid, algorithm: 'EdDSA'};
  return {kid, problem: `it is a key of type ${type ?? 'unknown'}, and needs to be RSA, EC P-256 or Ed25519`};
}

const VIEW = 'x-fraiseql-keys';

/** One of our own Secrets without what is secret in it: hashes in place of values, and what the keys are. */
export function withoutSecrets<T extends KubeObject>(secret: T): T {
  const data = (secret['data'] ?? {}) as Record<string, string>;
  const views: KeyView[] = [];
  const hashes: Record<string, string> = {};
  for (const [name, base64] of Object.entries(data)) {
    const value = Buffer.from(base64, 'base64');
    if (name.endsWith('.pem')) views.push(viewKey(name.slice(0, -'.pem'.length), value.toString('utf8')));
    hashes[name] = createHash('sha256').update(value).digest('hex');
  }
  return {...secret, data: hashes, [VIEW]: views};
}

/** The keys of a Secret that went through `withoutSecrets`. */
export function keysIn(secret: KubeObject | undefined): readonly KeyView[] | undefined {
  return secret === undefined ? undefined : ((secret[VIEW] ?? []) as readonly KeyView[]);
}

/** Which key signs: the one of the algorithm; of several the first by name, so that it is always the same. */
export function assessKeys(
  observed: Pick<Observed, 'signingKeys'>,
  algorithm: Algorithm,
  secretName: string,
  namespace: string,
): KeysFinding {
  const all = observed.signingKeys ?? [];
  const usable = all
    .flatMap((each) => ('algorithm' in each ? each : []))
    .sort((a, b) => (a.kid < b.kid ? -1 : 1));
  const problems = all.flatMap((each): Problem[] =>
    'problem' in each
      ? [
          {
            reason: 'KeyInvalid',
            message: `Secret ${secretName}: ${each.kid}.pem cannot sign: ${each.problem}`,
            hint: `Remove it: kubectl patch secret ${secretName} -n ${namespace} --type=json -p '[{"op":"remove","path":"/data/${each.kid}.pem"}]'; a new key is made where none is left`,
            objectRef: {apiVersion: 'v1', kind: 'Secret', name: secretName, key: `${each.kid}.pem`},
          },
        ]
      : [],
  );
  return {active: usable.find((each) => each.algorithm === algorithm), usable, problems};
}
