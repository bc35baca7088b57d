import {hash as digest} from 'node:crypto';
import {canonical} from './canonical.ts';
import type {KubeClient} from './client.ts';
import {ApiError, ForeignObjectError, isApiError} from './errors.ts';
import {handOver, leafPaths} from './managed-fields.ts';
import {RESOURCES, controllerOf, keyOf, type KubeObject, type ResourceType} from './objects.ts';
import {isSubset, withData} from './subset.ts';

/** On every child: the hash of what was last applied. */
export const APPLIED_HASH = 'auth.fraiseql.dev/applied-hash';
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
  const {desired, hash} = prepared(child.desired);
  return {...(await bring(client, child, desired)), hash};
}

/** What is sent of what is desired: the whole of it, with its hash. */
export function prepared<T extends KubeObject>(wanted: T): {desired: T; hash: string} {
  const whole = withData(wanted);
  const hash = hashOf(whole);
  return {desired: stamped(whole, hash), hash};
}

async function bring<T extends KubeObject>(
  client: ApplyPort,
  child: ChildApply<T>,
  desired: T,
): Promise<{outcome: ApplyOutcome; object: T}> {
  const {live} = child;
  if (live === undefined) return create(client, child, desired);
  if (isConverged(client, desired, live)) return {outcome: 'unchanged', object: live};
  return update(client, child, desired);
}

/** The hash that {@link APPLIED_HASH} holds: of the object as JSON with its keys in order. */
function hashOf(desired: KubeObject): string {
  return digest('sha256', canonical(desired)).slice(0, 16);
}

async function create<T extends KubeObject>(
  client: ApplyPort,
  child: ChildApply<T>,
  desired: T,
): Promise<{outcome: ApplyOutcome; object: T}> {
  // A POST costs the server half of what an apply does. It leaves the fields ours as an "Update"; the first apply
  // puts that right.
  const {fieldManager, signal} = child;
  child.onWrite?.(desired.metadata.annotations?.[APPLIED_HASH] ?? '', undefined);
  try {
    const object = await client.create(typeOf(child), merged(desired, child.initially), {
      fieldManager,
      signal,
    });
    return {outcome: 'created', object};
  } catch (error) {
    if (!isApiError(error, 409, 'AlreadyExists')) throw error;
    return update(client, child, desired);
  }
}

async function update<T extends KubeObject>(
  client: ApplyPort,
  child: ChildApply<T>,
  desired: T,
): Promise<{outcome: ApplyOutcome; object: T}> {
  const {fieldManager, signal} = child;
  const type = typeOf(child);
  // What was seen may be old, and it comes without its managed fields; a read costs far less than a needless write.
  const live = await client.get<T>(type, desired.metadata, {signal});
  if (live === undefined) {
    if (child.live === undefined) throw goneMeanwhile(desired);
    return create(client, {...child, live: undefined}, desired);
  }
  if (isConverged(client, desired, live)) return {outcome: 'unchanged', object: live};

  child.onWrite?.(desired.metadata.annotations?.[APPLIED_HASH] ?? '', live);
  const entries = handOver(live.metadata.managedFields ?? [], fieldManager, leafPaths(child.initially));
  const base = entries === undefined ? live : await takeFields(client, type, live, entries, signal);
  const object = await client.apply<T>(
    type,
    // With the uid it is this object or none: not another that came in its place just now.
    {
      ...desired,
      metadata: {...desired.metadata, ...(live.metadata.uid === undefined ? {} : {uid: live.metadata.uid})},
    },
    {fieldManager, force: true, signal},
  );
  const version = object.metadata.resourceVersion;
  settle(client, desired, [child.live?.metadata.resourceVersion, live.metadata.resourceVersion, version]);
  return {outcome: version === base.metadata.resourceVersion ? 'unchanged' : 'updated', object};
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
export function isConverged(client: ApplyPort, desired: KubeObject, live: KubeObject): boolean {
  refuseForeign(desired, live);
  const hash = desired.metadata.annotations?.[APPLIED_HASH];
  if (live.metadata.deletionTimestamp !== undefined) throw terminating(live);
  if (live[AS_APPLIED] === hash || isSettled(client, desired, live)) return true;
  return live.metadata.annotations?.[APPLIED_HASH] === hash && isSubset(desired, live);
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
    );
  }
  if (owner === undefined && (manager === undefined || manager !== desired.metadata.labels?.[MANAGED_BY])) {
    const why =
      manager === undefined ? `it has no label ${MANAGED_BY}` : `its label ${MANAGED_BY} is ${manager}`;
    throw new ForeignObjectError(live, why);
  }
}

// What an apply left behind is settled, even where it does not look like what was desired (the server or a webhook
// changes it): the same hash is not applied again over the versions it was applied over, or to the one that came out.
// Versions are never used twice, so one of them seen again is an old sight of the object.
const settledOf = new WeakMap<
  ApplyPort,
  Map<string, {hash: string; versions: readonly (string | undefined)[]}>
>();
const MAX_SETTLED = 20_000;

function settle(client: ApplyPort, desired: KubeObject, versions: readonly (string | undefined)[]): void {
  const settled = settledOf.get(client) ?? new Map();
  settledOf.set(client, settled);
  const key = settledKey(desired);
  settled.delete(key);
  settled.set(key, {hash: desired.metadata.annotations?.[APPLIED_HASH] ?? '', versions});
  if (settled.size > MAX_SETTLED) settled.delete(settled.keys().next().value ?? '');
}

function isSettled(client: ApplyPort, desired: KubeObject, live: KubeObject): boolean {
  const known = settledOf.get(client)?.get(settledKey(desired));
  const version = live.metadata.resourceVersion;
  return (
    known !== undefined &&
    version !== undefined &&
    known.hash === desired.metadata.annotations?.[APPLIED_HASH] &&
    known.versions.includes(version)
  );
}

function settledKey(object: KubeObject): string {
  return `${object.apiVersion} ${object.kind} ${keyOf(object)}`;
}

function stamped<T extends KubeObject>(desired: T, hash: string): T {
  const annotations = {...desired.metadata.annotations, [APPLIED_HASH]: hash};
  return {...desired, metadata: {...desired.metadata, annotations}};
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

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
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
