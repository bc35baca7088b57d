import {createHash, createPrivateKey, type KeyObject} from 'node:crypto';
import type {KubeObject} from '../kube/objects.ts';
import {KEY_LIST} from './desired/key-ring.ts';
import type {KeyView} from './observed.ts';

/** RFC 7518 section 3.3 asks for 2048 bits at least. */
export const RSA_BITS = 2048;

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

/** What stands in place of a value in memory. */
export function valueHash(value: string | Buffer): string {
  return createHash('sha256').update(value).digest('hex');
}

/** Which key the list for the servers says that signs. */
function signerIn(base64: string | undefined): string | undefined {
  if (base64 === undefined) return undefined;
  try {
    const {signingKeys} = JSON.parse(Buffer.from(base64, 'base64').toString('utf8')) as {
      signingKeys?: {kid?: unknown; use?: unknown}[];
    };
    const kid = signingKeys?.find((each) => each.use === 'sign')?.kid;
    return typeof kid === 'string' ? kid : undefined;
  } catch (error) {
    // Whatever somebody wrote there, it says nothing then.
    if (error instanceof SyntaxError || error instanceof TypeError) return undefined;
    throw error;
  }
}

const VIEW = 'x-fraiseql-keys';

/** One of our own Secrets without what is secret in it: hashes in place of values, and what the keys are. */
export function withoutSecrets<T extends KubeObject>(secret: T): T {
  const data = (secret['data'] ?? {}) as Record<string, string>;
  const views: KeyView[] = [];
  const hashes: Record<string, string> = {};
  const signer = signerIn(data[KEY_LIST]);
  for (const [name, base64] of Object.entries(data)) {
    const value = Buffer.from(base64, 'base64');
    if (name.endsWith('.pem')) {
      const view = viewKey(name.slice(0, -'.pem'.length), value.toString('utf8'));
      views.push('algorithm' in view && view.kid === signer ? {...view, signs: true} : view);
    }
    hashes[name] = valueHash(value);
  }
  return {...secret, data: hashes, [VIEW]: views};
}

/** The keys of a Secret that went through `withoutSecrets`. */
export function keysIn(secret: KubeObject | undefined): readonly KeyView[] | undefined {
  return secret === undefined ? undefined : ((secret[VIEW] ?? []) as readonly KeyView[]);
}
