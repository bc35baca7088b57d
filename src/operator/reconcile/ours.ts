import {FRAISEQLAUTH} from '../../api/v1alpha1/group-version.ts';
import {refuseForeign} from '../../kube/apply.ts';
import {ApiError, isApiError, type KubeClient} from '../../kube/client.ts';
import {controllerOf, RESOURCES, type KubeObject, type ResourceType} from '../../kube/objects.ts';
import {isOwned, marks} from '../decide/owning.ts';
import {MANAGER} from '../desired/children.ts';

/** Who applies labels and owner, and nothing else ever: what it does not name is never taken away. */
const OWNER = `${MANAGER}-owner`;

/** Creates a Secret; one of that name that is ours already is taken as it is. */
export async function createOnce(
  cluster: Pick<KubeClient, 'apply' | 'create' | 'get'>,
  secret: KubeObject,
  signal: AbortSignal,
): Promise<KubeObject> {
  try {
    return await cluster.create(RESOURCES.Secret, secret, {fieldManager: MANAGER, signal});
  } catch (error) {
    if (!isApiError(error, 409, 'AlreadyExists')) throw error;
    const there = await cluster.get<KubeObject>(RESOURCES.Secret, secret.metadata, {signal});
    if (there === undefined) throw error;
    return own(cluster, {type: RESOURCES.Secret, desired: secret, live: there, signal});
  }
}

/**
 * An object that is ours, with the labels and the owner that it has to have. Somebody may have taken them away, or have
 * restored it from a backup; all else of it is touched by nobody here.
 * @throws ForeignObjectError where it is not ours, by the rule that holds for every child; ApiError 409 Terminating
 *   where its owner is on its way out: it was orphaned on purpose then
 */
export async function own(
  cluster: Pick<KubeClient, 'apply' | 'get'>,
  {
    type,
    desired,
    live,
    ...options
  }: {
    readonly type: ResourceType;
    readonly desired: KubeObject;
    readonly live: KubeObject;
    readonly signal: AbortSignal;
    readonly dryRun?: boolean;
  },
): Promise<KubeObject> {
  refuseForeign(desired, live);
  if (isOwned(desired, live)) return live;
  if (controllerOf(live) === undefined) await refuseGone(cluster, desired, options.signal);
  const {name, namespace = ''} = desired.metadata;
  const {uid} = live.metadata;
  const {apiVersion, kind} = type;
  const metadata = {name, namespace, ...(uid !== undefined && {uid}), ...marks(desired).metadata};
  return cluster.apply<KubeObject>(
    type,
    {apiVersion, kind, metadata},
    {...options, fieldManager: OWNER, force: true},
  );
}

/** An object that is given to an owner who is gone goes with it. */
async function refuseGone(
  cluster: Pick<KubeClient, 'get'>,
  desired: KubeObject,
  signal: AbortSignal,
): Promise<void> {
  const {name = '', uid} = controllerOf(desired) ?? {};
  const {namespace = ''} = desired.metadata;
  const owner = await cluster.get<KubeObject>(FRAISEQLAUTH, {namespace, name}, {signal, metadataOnly: true});
  if (owner !== undefined && owner.metadata.uid === uid && owner.metadata.deletionTimestamp === undefined)
    return;
  throw new ApiError(409, 'Terminating', `${FRAISEQLAUTH.kind} ${namespace}/${name} is being deleted`);
}
