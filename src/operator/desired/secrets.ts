import type {KubeObject} from '../../kube/objects.ts';
import {childMeta} from './children.ts';
import type {Instance} from './instance.ts';
import {names} from './names.ts';

/** A key pair's private half, PKCS #8 PEM. */
export interface SigningKeyMaterial {
  readonly kid: string;
  readonly pem: string;
}

/** The keys that sign access tokens. What is in it is minted once, by the reconciler, and never replaced. */
export function signingKeysSecret(instance: Instance, keys: readonly SigningKeyMaterial[]): KubeObject {
  return secret(
    instance,
    names(instance).signingKeys,
    Object.fromEntries(keys.map(({kid, pem}) => [`${kid}.pem`, pem])),
  );
}

/** The key that seals logins that are under way: 32 random bytes in base64. Minted once as well. */
export function stateSecret(instance: Instance, key: string): KubeObject {
  return secret(instance, names(instance).state, {key});
}

function secret(instance: Instance, name: string, texts: Record<string, string>): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: childMeta(instance, name, 'server'),
    type: 'Opaque',
    data: Object.fromEntries(
      Object.entries(texts).map(([key, text]) => [key, Buffer.from(text).toString('base64')]),
    ),
  };
}
