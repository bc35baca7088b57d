import type {FraiseQLAuth} from '../../api/v1alpha1/fraiseqlauth.ts';
import type {KubeClient} from '../../kube/client.ts';
import {RESOURCES, type KubeObject} from '../../kube/objects.ts';
import {MANAGER} from '../desired/children.ts';
import {instanceOf} from '../desired/instance.ts';
import {KEY_LIST, keyList, RING, writeRing, type KeyRing} from '../desired/key-ring.ts';
import {ownSecret, signingKeysSecret} from '../desired/secrets.ts';
import type {Step} from '../decide/decision.ts';
import {NEW} from '../decide/key-rotation.ts';
import type {KeyMint} from './mint.ts';
import {createOnce, own} from './ours.ts';

interface Context {
  readonly cluster: Pick<KubeClient, 'apply' | 'create' | 'get' | 'mergePatch'>;
  readonly mintKey: KeyMint;
  readonly resource: FraiseQLAuth;
  readonly signal: AbortSignal;
}

/**
 * One turn of the keys, as one write: material, list and ring change together or not at all. It holds for the very
 * version of the Secret on which it was decided; the API server refuses it (409) for any other, so nothing is made
 * twice, whoever was cut short wherever.
 */
export async function writeKeys(
  {cluster, mintKey, resource, signal}: Context,
  {name, secret, rotation}: Extract<Step, {kind: 'keys'}>,
): Promise<KubeObject> {
  const type = RESOURCES.Secret;
  if (secret === undefined && (resource.status?.signingKeys?.length ?? 0) > 0) {
    // There were keys. Perhaps they only lost the labels by which they are seen: nobody makes others before that is known.
    const live = await cluster.get<KubeObject>(
      type,
      {namespace: resource.metadata.namespace, name},
      {signal},
    );
    if (live !== undefined)
      return own(cluster, {type, desired: ownSecret(instanceOf(resource), name), live, signal});
  }
  const made = rotation.mint === undefined ? undefined : await mintKey(rotation.mint);
  const ring: KeyRing = {
    ...rotation.ring,
    keys: rotation.ring.keys.map((each) =>
      each.kid === NEW && made !== undefined ? {...each, kid: made.kid} : each,
    ),
  };
  if (secret === undefined && made !== undefined)
    return createOnce(cluster, signingKeysSecret(instanceOf(resource), ring, made), signal);
  const {uid, resourceVersion} = secret?.metadata ?? {};
  return cluster.mergePatch<KubeObject>(
    type,
    {namespace: resource.metadata.namespace, name},
    {
      metadata: {uid, resourceVersion, annotations: {[RING]: writeRing(ring)}},
      data: {
        [KEY_LIST]: base64(keyList(ring.keys)),
        ...(made && {[`${made.kid}.pem`]: base64(made.pem)}),
        // The private part of a key that is gone is gone as well.
        ...Object.fromEntries(rotation.drop.map((kid) => [`${kid}.pem`, null])),
      },
    },
    {fieldManager: MANAGER, signal},
  );
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}
