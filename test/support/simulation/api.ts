import {ApiError} from '../../../src/kube/client.ts';
import {keyOf, type KubeObject, type ObjectKey, type ResourceType} from '../../../src/kube/objects.ts';
import {isRecord} from '../../../src/support/record.ts';
import {applied, merged, same} from './merge.ts';
import {dated, type SimulatedTime} from './time.ts';

/** Something that happened to an object, in the order in which it did. */
export interface Entry {
  readonly version: number;
  readonly at: number;
  readonly plural: string;
  readonly before: KubeObject | undefined;
  readonly after: KubeObject | undefined;
}

/** A write that changed something, and who made it. */
export interface Write {
  readonly at: number;
  readonly by: string;
  readonly verb: 'create' | 'update' | 'delete';
  readonly kind: string;
  readonly name: string;
  /** Who held the lease of the operator at that moment. */
  readonly holder: string | undefined;
}

export type Change =
  | {
      readonly verb: 'create';
      readonly type: ResourceType;
      readonly object: KubeObject;
      readonly manager: string;
    }
  | {
      readonly verb: 'apply';
      readonly type: ResourceType;
      readonly object: KubeObject;
      readonly manager: string;
    }
  | {readonly verb: 'replace'; readonly type: ResourceType; readonly object: KubeObject}
  | {
      readonly verb: 'merge';
      readonly type: ResourceType;
      readonly key: ObjectKey;
      readonly patch: Record<string, unknown>;
      readonly status?: boolean;
    }
  | {
      readonly verb: 'json';
      readonly type: ResourceType;
      readonly key: ObjectKey;
      readonly patch: readonly {op: string; path: string; value?: unknown}[];
    }
  | {
      readonly verb: 'delete';
      readonly type: ResourceType;
      readonly key: ObjectKey;
      readonly uid?: string | undefined;
    };

/**
 * What an API server holds and how it answers, in memory: versions, preconditions, applied fields, a log of all that
 * happened. Without defaults, and a list is one value; what hangs on those is tested against the real one.
 */
export class SimulatedApi {
  readonly log: Entry[] = [];
  readonly writes: Write[] = [];
  /** Watches from before this version get a 410. */
  compacted = 0;
  readonly #time: SimulatedTime;
  readonly #id: string;
  readonly #objects = new Map<string, KubeObject>();
  readonly #applied = new Map<string, unknown>();
  readonly #listeners = new Set<(entry: Entry) => void>();
  #version = 100;
  #uids = 0;

  constructor(time: SimulatedTime, id: string) {
    this.#time = time;
    this.#id = id;
  }

  get version(): number {
    return this.#version;
  }

  /** Calls at every change; what it returns ends that. */
  onEntry(listener: (entry: Entry) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  get(type: ResourceType, key: ObjectKey): KubeObject | undefined {
    return this.#objects.get(idOf(type, key));
  }

  list(plural?: string): KubeObject[] {
    return [...this.#objects]
      .filter(([id]) => plural === undefined || id.startsWith(`${plural} `))
      .map(([, object]) => object);
  }

  /** Does a write; or with `dryRun` answers as if, and does nothing. @throws ApiError as the server would answer */
  write(by: string, change: Change, dryRun = false): KubeObject {
    const {type} = change;
    const key = 'key' in change ? change.key : change.object.metadata;
    const id = idOf(type, key);
    const live = this.#objects.get(id);
    const call = `${change.verb} ${type.plural} ${keyOf(key)}`;
    const conflict = (why: string): ApiError =>
      new ApiError(409, 'Conflict', `${call}: 409 Conflict: ${why}`);
    const put = (before: KubeObject | undefined, next: KubeObject): KubeObject =>
      dryRun ? this.#completed(before, next) : this.#put(by, type, id, before, next);
    if (change.verb === 'create') {
      if (live !== undefined)
        throw new ApiError(409, 'AlreadyExists', `${call}: 409 AlreadyExists: it exists`);
      if (!dryRun) this.#applied.set(`${id} ${change.manager}`, change.object);
      return put(undefined, change.object);
    }
    if (live === undefined) {
      if (change.verb !== 'apply')
        throw new ApiError(404, 'NotFound', `${call}: 404 NotFound: not there`, {absent: true});
      if (change.object.metadata.uid !== undefined) throw conflict('Precondition failed: UID');
    }
    switch (change.verb) {
      case 'apply': {
        const {uid, resourceVersion} = change.object.metadata;
        if (live !== undefined && uid !== undefined && uid !== live.metadata.uid)
          throw conflict('Precondition failed: UID in precondition');
        if (resourceVersion !== undefined && resourceVersion !== live?.metadata.resourceVersion)
          throw conflict('the object has been modified');
        const owned = `${id} ${change.manager}`;
        const next = applied(live ?? {}, this.#applied.get(owned) ?? {}, change.object) as KubeObject;
        if (!dryRun) this.#applied.set(owned, change.object);
        return put(live, next);
      }
      case 'replace':
        if (change.object.metadata.resourceVersion !== live?.metadata.resourceVersion)
          throw conflict('the object has been modified');
        return put(live, change.object);
      case 'merge': {
        const {uid, resourceVersion} = (change.patch['metadata'] ?? {}) as Partial<KubeObject['metadata']>;
        if (uid !== undefined && uid !== live?.metadata.uid)
          throw conflict('Precondition failed: UID in precondition');
        if (resourceVersion !== undefined && resourceVersion !== live?.metadata.resourceVersion)
          throw conflict('the object has been modified');
        const patch = change.status === true ? {status: change.patch['status']} : change.patch;
        return put(live, merged(live, patch) as KubeObject);
      }
      case 'json':
        return put(live, patched(live as KubeObject, change.patch, conflict));
      case 'delete':
        if (change.uid !== undefined && change.uid !== live?.metadata.uid)
          throw conflict('Precondition failed: UID in precondition');
        if (dryRun) return live as KubeObject;
        this.#objects.delete(id);
        for (const owned of this.#applied.keys()) if (owned.startsWith(`${id} `)) this.#applied.delete(owned);
        this.#record(by, type, live, undefined);
        return live as KubeObject;
      default:
        return change satisfies never;
    }
  }

  #put(
    by: string,
    type: ResourceType,
    id: string,
    live: KubeObject | undefined,
    next: KubeObject,
  ): KubeObject {
    const object = this.#completed(live, next);
    if (live !== undefined && same(object, live)) return live;
    object.metadata.resourceVersion = String(this.#version + 1);
    const kept = structuredClone(object);
    this.#objects.set(id, kept);
    this.#record(by, type, live, kept);
    return kept;
  }

  /** The object with what the server itself says of it. */
  #completed(live: KubeObject | undefined, next: KubeObject): KubeObject {
    const metadata = live?.metadata;
    const changed = !same(specOf(next), specOf(live ?? next));
    return {
      ...next,
      metadata: {
        ...next.metadata,
        uid: metadata?.uid ?? `${this.#id}-${++this.#uids}`,
        generation: (metadata?.generation ?? 0) + (changed || metadata === undefined ? 1 : 0),
        creationTimestamp: metadata?.creationTimestamp ?? dated(this.#time),
        ...(metadata?.resourceVersion !== undefined && {resourceVersion: metadata.resourceVersion}),
      },
    };
  }

  #record(
    by: string,
    type: ResourceType,
    before: KubeObject | undefined,
    after: KubeObject | undefined,
  ): void {
    const version = ++this.#version;
    const {kind, metadata} = (after ?? before) as KubeObject;
    const at = this.#time.now;
    const verb = before === undefined ? 'create' : after === undefined ? 'delete' : 'update';
    const holder = this.list('leases')[0] as {spec?: {holderIdentity?: string}} | undefined;
    this.writes.push({
      at,
      by,
      verb,
      kind,
      name: metadata.name,
      holder: holder?.spec?.holderIdentity || undefined,
    });
    const entry = {version, at, plural: type.plural, before, after};
    this.log.push(entry);
    for (const listener of this.#listeners) listener(entry);
  }
}

/** All that a change of counts as a new generation. */
function specOf(object: KubeObject): Record<string, unknown> {
  const {metadata: _, status: __, ...spec} = object;
  return spec;
}

function idOf(type: ResourceType, key: ObjectKey): string {
  return `${type.plural} ${keyOf({name: key.name, namespace: key.namespace})}`;
}

/** The few JSON patches there are: replace the version or test the uid (preconditions), add or remove a value. */
function patched(
  live: KubeObject,
  patch: readonly {op: string; path: string; value?: unknown}[],
  conflict: (why: string) => ApiError,
): KubeObject {
  const next = structuredClone(live);
  for (const {op, path, value} of patch) {
    if (op === 'test') {
      if (path !== '/metadata/uid') throw new TypeError(`test ${path}: not played here`);
      const why = 'the server rejected our request due to an error in our request';
      if (value !== live.metadata.uid) throw new ApiError(422, 'Invalid', `json: 422 Invalid: ${why}`);
      continue;
    }
    if (path === '/metadata/resourceVersion') {
      if (value !== live.metadata.resourceVersion) throw conflict('the object has been modified');
      continue;
    }
    const names = path
      .slice(1)
      .split('/')
      .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));
    const last = names.pop() ?? '';
    let at: Record<string, unknown> = next;
    for (const name of names) {
      const inner = at[name];
      if (!isRecord(inner)) throw new TypeError(`${op} ${path}: there is no ${name}`);
      at = inner;
    }
    if (op === 'remove') delete at[last];
    else at[last] = value;
  }
  return next;
}
