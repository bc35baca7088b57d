import {carries, hashOf, hasOutlineOf, stamped} from './applied-hash.ts';
import {isRecord} from '../support/record.ts';
import type {KubeClient} from './client.ts';
import {ApiError, ForeignObjectError, isApiError} from './errors.ts';
import {handOver, leafPaths} from './managed-fields.ts';
import {RESOURCES, controllerOf, keyOf, type KubeObject, type ResourceType} from './objects.ts';
import {isSettled, settle} from './settled.ts';
import {isSubset, withData} from './subset.ts';

/**
 * On an object in memory: the hash with which it was compared and found as desired. Nothing but its metadata need be
 * there to say so again.
 */
export const AS_APPLIED = 'x-as-applied';
const MANAGED_BY = 'app.kubernetes.io/managed-by';

/** What applying needs of a client. */
export type ApplyPort = Pick<KubeClient, 'get' | 'create' | 'apply' | 'jsonPatch'>;
/** What came of it. */
export type ApplyOutcome = 'unchanged' | 'created' | 'updated';

/** One object to be applied, for its owner. */
export interface ChildApply<T extends KubeObject> {
  /** Left out: found by `apiVersion` and `kind` among the built-in types. */
  type?: ResourceType | undefined;
  /** All that is wanted of the object, and nothing else. */
  desired: T;
  /** The object as last seen, perhaps a while ago; undefined when none was seen. */
  live: T | undefined;
  fieldManager: string;
  /**
   * Fields that are set at creation and belong to another from then on, such as the `replicas` that an autoscaler
   * moves. If an earlier apply of ours owned them they are handed over first, so that they keep their value.
   */
  initially?: Record<string, unknown> | undefined;
  /**
   * Told the hash of what is about to be written, and over what: the object as it is, or nothing. What it throws stops
   * it.
   */
  onWrite?: ((hash: string, over: T | undefined) => void) | undefined;
  signal?: AbortSignal | undefined;
}

/**
 * Makes an object what is desired of it, with as few writes as can be: none when it is so already, which the hash of
 * what was last applied and a comparison with the object as it is decide together, so also after a restart.
 * @throws ForeignObjectError when an object of that name exists that is not ours, and leaves it alone
 * @throws ApiError when a call fails; 409 Terminating while the object is being deleted
 */
export async function applyChild<T extends KubeObject>(
  client: ApplyPort,
  child: ChildApply<T>,
): Promise<ApplyOutcome> {
  return (await applyChildObject(client, child)).outcome;
}

/**
 * The same, with the object as it is now (as it was seen, when nothing had to be done) and the hash of what is desired
 * of it.
 */
export async function applyChildObject<T extends KubeObject>(
  client: ApplyPort,
  child: ChildApply<T>,
): Promise<{outcome: ApplyOutcome; object: T; hash: string}> {
  const wanted = wantedOf(child.desired);
  return {...(await bring(client, child, wanted)), hash: wanted.hash};
}

/** What is desired of an object, the whole of it, and its hash. */
export interface Wanted<T extends KubeObject> {
  readonly desired: T;
  readonly hash: string;
}

export function wantedOf<T extends KubeObject>(child: T): Wanted<T> {
  const desired = withData(child);
  return {desired, hash: hashOf(desired)};
}

type Brought<T> = Promise<{outcome: ApplyOutcome; object: T}>;

async function bring<T extends KubeObject>(
  client: ApplyPort,
  child: ChildApply<T>,
  wanted: Wanted<T>,
): Brought<T> {
  const {live, initially} = child;
  if (live === undefined) return create(client, child, wanted);
  if (isConverged(client, wanted, live)) return {outcome: 'unchanged', object: live};
  // What somebody else has changed (it carries the hash) is looked at before it is put right.
  const onlyValues = !carries(live, wanted.hash) && hasOutlineOf(live, wanted.desired);
  if (onlyValues && initially === undefined && live.metadata.uid !== undefined) {
    try {
      return await change(client, child, wanted, live);
    } catch (error) {
      // It is another by now, or no more.
      if (!isApiError(error, 409, 'Conflict')) throw error;
    }
  }
  return update(client, child, wanted);
}

async function create<T extends KubeObject>(
  client: ApplyPort,
  child: ChildApply<T>,
  wanted: Wanted<T>,
): Brought<T> {
  // A POST costs the server half of what an apply does. It leaves the fields ours as an "Update", which is put right
  // before one of them is to go.
  const {fieldManager, signal} = child;
  const {desired, hash} = wanted;
  child.onWrite?.(hash, undefined);
  try {
    const object = await client.create(typeOf(child), merged(stamped(desired, hash), child.initially), {
      fieldManager,
      strict: true,
      signal,
    });
    return {outcome: 'created', object};
  } catch (error) {
    if (!isApiError(error, 409, 'AlreadyExists')) throw error;
    return update(client, child, wanted);
  }
}

/**
 * Gives other values to the fields that are ours already, in one call: none of them is to go, so it does not matter yet
 * under which operation they are ours.
 * @throws ApiError 409 Conflict where the object is not the one that was seen
 */
async function change<T extends KubeObject>(
  client: ApplyPort,
  child: ChildApply<T>,
  wanted: Wanted<T>,
  live: T,
): Brought<T> {
  child.onWrite?.(wanted.hash, live);
  const {uid, resourceVersion} = live.metadata;
  return sent(client, child, wanted, {uid, resourceVersion}, [resourceVersion]);
}

async function update<T extends KubeObject>(
  client: ApplyPort,
  child: ChildApply<T>,
  wanted: Wanted<T>,
): Brought<T> {
  const {fieldManager, signal} = child;
  const {desired, hash} = wanted;
  const type = typeOf(child);
  // What was seen may be old, and it comes without its managed fields; a read costs far less than a needless write.
  const live = await client.get<T>(type, desired.metadata, {signal});
  if (live === undefined) {
    if (child.live === undefined) throw goneMeanwhile(desired);
    return create(client, {...child, live: undefined}, wanted);
  }
  if (isConverged(client, wanted, live)) return {outcome: 'unchanged', object: live};

  child.onWrite?.(hash, live);
  const entries = handOver(live.metadata.managedFields ?? [], fieldManager, leafPaths(child.initially));
  const base = entries === undefined ? live : await takeFields(client, type, live, entries, signal);
  const {uid, resourceVersion} = live.metadata;
  return sent(client, child, wanted, {uid, resourceVersion: undefined}, [
    base.metadata.resourceVersion,
    child.live?.metadata.resourceVersion,
    resourceVersion,
  ]);
}

/**
 * Applies it to the object that the precondition names, or to none: not to another that came in its place just now. It
 * is over these versions that it is applied, and the first is that of the object as it is before that.
 */
async function sent<T extends KubeObject>(
  client: ApplyPort,
  child: ChildApply<T>,
  {desired, hash}: Wanted<T>,
  precondition: Readonly<Record<'uid' | 'resourceVersion', string | undefined>>,
  over: readonly (string | undefined)[],
): Brought<T> {
  const {fieldManager, signal} = child;
  const whole = stamped(desired, hash);
  const {uid, resourceVersion} = precondition;
  const metadata = {
    ...whole.metadata,
    ...(uid !== undefined && {uid}),
    ...(resourceVersion !== undefined && {resourceVersion}),
  };
  const object = await client.apply<T>(
    typeOf(child),
    {...whole, metadata},
    {fieldManager, force: true, signal},
  );
  const version = object.metadata.resourceVersion;
  settle(client, {desired, hash}, [...over, version]);
  return {outcome: version === over[0] ? 'unchanged' : 'updated', object};
}

async function takeFields<T extends KubeObject>(
  client: ApplyPort,
  type: ResourceType,
  live: T,
  entries: readonly unknown[],
  signal: AbortSignal | undefined,
): Promise<T> {
  return client.jsonPatch<T>(
    type,
    live.metadata,
    [
      {op: 'replace', path: '/metadata/managedFields', value: entries},
      // Makes the server refuse (409) when the object has moved on since.
      {op: 'replace', path: '/metadata/resourceVersion', value: live.metadata.resourceVersion},
    ],
    {signal},
  );
}

/**
 * Whether nothing has to be sent.
 * @throws ForeignObjectError when it is not ours; ApiError 409 Terminating while it is being deleted
 */
export function isConverged<T extends KubeObject>(client: ApplyPort, wanted: Wanted<T>, live: T): boolean {
  const {desired, hash} = wanted;
  refuseForeign(desired, live);
  if (live.metadata.deletionTimestamp !== undefined) throw terminating(live);
  if (live[AS_APPLIED] === hash || isSettled(client, wanted, live)) return true;
  return carries(live, hash) && isSubset(desired, live);
}

/**
 * Ours is what the same owner controls; and what nobody controls but carries the same managed-by label is adopted.
 * @throws ForeignObjectError for all else
 */
export function refuseForeign(desired: KubeObject, live: KubeObject): void {
  const wanted = controllerOf(desired);
  const owner = controllerOf(live);
  const manager = live.metadata.labels?.[MANAGED_BY];
  if (owner !== undefined && owner.uid !== wanted?.uid) {
    const again = owner.kind === wanted?.kind && owner.name === wanted.name;
    throw new ForeignObjectError(
      live,
      again
        ? `an earlier ${owner.kind} ${owner.name}, now deleted, controls it`
        : `${owner.kind} ${owner.name} controls it`,
      again ? undefined : {kind: owner.kind, name: owner.name},
    );
  }
  if (owner === undefined && (manager === undefined || manager !== desired.metadata.labels?.[MANAGED_BY])) {
    const why =
      manager === undefined ? `it has no label ${MANAGED_BY}` : `its label ${MANAGED_BY} is ${manager}`;
    throw new ForeignObjectError(live, why);
  }
}

/** An object with further fields. */
export function merged<T extends object>(object: T, further: Record<string, unknown> | undefined): T {
  if (further === undefined) return object;
  const result: Record<string, unknown> = {...(object as Record<string, unknown>)};
  for (const [name, value] of Object.entries(further)) {
    const before = result[name];
    const both = isRecord(before) && isRecord(value);
    result[name] = both ? merged(before, value) : value;
  }
  return result as T;
}

const BY_KIND = new Map<string, ResourceType>(
  Object.values(RESOURCES).map((type) => [`${type.apiVersion} ${type.kind}`, type]),
);

/** @throws TypeError where no type is given and there is no built-in one */
export function typeOf(child: {type?: ResourceType | undefined; desired: KubeObject}): ResourceType {
  const {apiVersion, kind} = child.desired;
  const type = child.type ?? BY_KIND.get(`${apiVersion} ${kind}`);
  if (type === undefined)
    throw new TypeError(`${apiVersion} ${kind} is no built-in type; give its ResourceType`);
  return type;
}

function terminating(live: KubeObject): ApiError {
  return new ApiError(
    409,
    'Terminating',
    `${live.kind} ${keyOf(live)} is being deleted; it is made anew when it is gone`,
  );
}

function goneMeanwhile(desired: KubeObject): ApiError {
  return new ApiError(
    409,
    'Conflict',
    `${desired.kind} ${keyOf(desired)} came and went while it was being created`,
  );
}
