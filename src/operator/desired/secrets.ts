import type {KubeObject} from '../../kube/objects.ts';
import {childMeta} from './children.ts';
import type {Instance} from './instance.ts';
import {KEY_LIST, RING, keyList, writeRing, type KeyRing} from './key-ring.ts';
import {names} from './names.ts';

/** A key pair's private half, PKCS #8 PEM. */
export interface SigningKeyMaterial {
  readonly kid: string;
  readonly pem: string;
}

/** The Secret of the keys that sign access tokens, when it is made: the first key, the list, and the ring. */
export function signingKeysSecret(
  instance: Instance,
  ring: KeyRing,
  {kid, pem}: SigningKeyMaterial,
): KubeObject {
  const whole = secret(instance, names(instance).signingKeys, {
    [`${kid}.pem`]: pem,
    [KEY_LIST]: keyList(ring.keys),
  });
  return {...whole, metadata: {...whole.metadata, annotations: {[RING]: writeRing(ring)}}};
}

/** The key that seals logins that are under way: 32 random bytes in base64. Minted once as well. */
export function stateSecret(instance: Instance, key: string): KubeObject {
  return secret(instance, names(instance).state, {key});
}

/** Whose a Secret is, without what is in it. */
export function ownSecret(instance: Instance, name: string): KubeObject {
  return {apiVersion: 'v1', kind: 'Secret', metadata: childMeta(instance, name, 'server')};
}

function secret(instance: Instance, name: string, texts: Record<string, string>): KubeObject {
  return {
    ...ownSecret(instance, name),
    type: 'Opaque',
    data: Object.fromEntries(
      Object.entries(texts).map(([key, text]) => [key, Buffer.from(text).toString('base64')]),
    ),
  };
}
