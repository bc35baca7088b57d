import type {FraiseQLAuth} from '../../api/v1alpha1/fraiseqlauth.ts';
import {ForeignObjectError} from '../../kube/apply.ts';
import {isApiError, type KubeClient} from '../../kube/client.ts';
import {controllerOf, RESOURCES, type KubeObject} from '../../kube/objects.ts';
import {MANAGER} from '../desired/children.ts';

/** Creates a Secret; one of that name that is ours already is taken as it is. */
export async function createOnce(
  cluster: Pick<KubeClient, 'create' | 'get'>,
  resource: FraiseQLAuth,
  secret: KubeObject,
  signal: AbortSignal,
): Promise<KubeObject> {
  try {
    return await cluster.create(RESOURCES.Secret, secret, {fieldManager: MANAGER, signal});
  } catch (error) {
    if (!isApiError(error, 409, 'AlreadyExists')) throw error;
    const there = await cluster.get<KubeObject>(RESOURCES.Secret, secret.metadata, {signal});
    if (there === undefined) throw error;
    return ours(there, resource);
  }
}

/** The object, where the resource controls it. @throws ForeignObjectError where it does not */
export function ours(object: KubeObject, resource: FraiseQLAuth): KubeObject {
  const owner = controllerOf(object);
  if (owner?.uid === resource.metadata.uid) return object;
  if (owner === undefined) throw new ForeignObjectError(object, 'this resource does not own it');
  const again = owner.kind === resource.kind && owner.name === resource.metadata.name;
  throw new ForeignObjectError(
    object,
    again
      ? `an earlier ${owner.kind} ${owner.name}, now deleted, controls it`
      : `${owner.kind} ${owner.name} controls it`,
  );
}
