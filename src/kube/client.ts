import type {Clock} from '../support/clock.ts';
import {accessFromEnvironment, inClusterAccess, kubeconfigAccess, type AccessSource} from './access.ts';
import {
  callJson,
  callOptions,
  dryRunOf,
  METADATA,
  type CallOptions,
  type Selection,
  type TypedCall,
  type WriteOptions,
} from './call.ts';
import {isAbsent} from './errors.ts';
import type {ApiMetrics} from './metrics.ts';
import {
  keyOf,
  pathOf,
  RESOURCES,
  typed,
  type KubeObject,
  type ObjectKey,
  type ResourceType,
} from './objects.ts';
import {listPages, type Listing, type Page, type PagesOptions} from './pages.ts';
import {Transport} from './transport.ts';
import {openWatch, type WatchEvent, type WatchOptions} from './watch.ts';

export {ApiError, ForeignObjectError, isApiError} from './errors.ts';
export type {CallOptions, Selection, WriteOptions} from './call.ts';
export type {Listing, Page, PagesOptions} from './pages.ts';
export type {WatchEvent} from './watch.ts';

export interface ClientOptions {
  userAgent?: string | undefined;
  metrics?: ApiMetrics | undefined;
  clock?: Clock | undefined;
  random?: (() => number) | undefined;
  accessCheckMs?: number | undefined;
}

/**
 * Talks to one API server. Objects go in and out as plain JSON; a call that fails throws an ApiError, and only "there is
 * no such object" is `undefined`. All calls share one pool of connections and have a deadline.
 */
export class KubeClient {
  readonly #transport: Transport;

  /** For an access of one's own; see the static functions for the usual ones. Nothing is read before the first call. */
  constructor(source: AccessSource, options: ClientOptions = {}) {
    this.#transport = new Transport(source, options);
  }

  /**
   * Connects as kubectl would: KUBECONFIG, the pod's service account, ~/.kube/config.
   * @throws Error that says what is missing
   */
  static async fromEnvironment(options: ClientOptions = {}): Promise<KubeClient> {
    return KubeClient.#connect(await accessFromEnvironment(), options);
  }

  /** @throws Error when the kubeconfig cannot be read or names no cluster */
  static fromKubeconfig(path: string, options: ClientOptions = {}): Promise<KubeClient> {
    return KubeClient.#connect(kubeconfigAccess([path]), options);
  }

  /** The service account whose `token` and `ca.crt` are in `directory`. */
  static inCluster(
    env: NodeJS.ProcessEnv,
    directory: string,
    options: ClientOptions = {},
  ): Promise<KubeClient> {
    return KubeClient.#connect(inClusterAccess(env, directory), options);
  }

  static async #connect(source: AccessSource, options: ClientOptions): Promise<KubeClient> {
    const client = new KubeClient(source, options);
    await client.#transport.connect();
    return client;
  }

  /** One object, or undefined where there is none. A type that the server does not know is an error, not "none". */
  async get<T extends KubeObject>(
    type: ResourceType,
    key: ObjectKey,
    options: CallOptions & {metadataOnly?: boolean} = {},
  ): Promise<T | undefined> {
    try {
      const accept = options.metadataOnly === true ? {accept: METADATA.watch} : {};
      const call = {method: 'GET', verb: 'get', key, ...accept, ...callOptions(options)} as const;
      return typed(type, await this.#json<T>(type, call));
    } catch (error) {
      if (isAbsent(error)) return undefined;
      throw error;
    }
  }

  /** All objects of a selection, read in pages, without their managed fields. */
  async list<T extends KubeObject>(
    type: ResourceType,
    options: Selection & CallOptions = {},
  ): Promise<Listing<T>> {
    let whole: Listing<T> = {items: [], resourceVersion: ''};
    for await (const {first, items, resourceVersion} of this.pages<T>(type, options)) {
      whole = {items: first ? items : whole.items.concat(items), resourceVersion};
    }
    return whole;
  }

  /**
   * The same, page by page, so that what is not wanted of each can go before the next comes. When the server has
   * forgotten where we were (410), the list begins anew, in one piece. Objects come without their managed fields.
   */
  pages<T extends KubeObject, K = T>(
    type: ResourceType,
    options: PagesOptions<T, K> = {},
  ): AsyncGenerator<Page<K>, void, undefined> {
    return listPages<T, K>(this.#transport, type, options);
  }

  /**
   * What happens after `resourceVersion`, with bookmarks, until the server ends it (after `timeoutSeconds`), the
   * signal aborts or the caller stops reading.
   * @throws ApiError: 410 when the version is too old; WatchStalled after `silenceMs` without a byte
   */
  watch<T extends KubeObject>(
    type: ResourceType,
    options: WatchOptions,
  ): AsyncGenerator<WatchEvent<T>, void, undefined> {
    return openWatch<T>(this.#transport, type, options);
  }

  /**
   * Creates an object. With `strict` a field that the server does not know is an error (400), as it is to an apply, and
   * else it is dropped.
   * @throws ApiError 409 AlreadyExists; 422 Invalid with `causes`
   */
  create<T extends KubeObject>(
    type: ResourceType,
    object: T,
    options: WriteOptions & {fieldManager?: string; strict?: boolean} = {},
  ): Promise<T> {
    return this.#json<T>(type, {
      method: 'POST',
      verb: 'create',
      key: {namespace: object.metadata.namespace},
      named: object.metadata,
      query: {
        fieldManager: options.fieldManager,
        fieldValidation: options.strict === true ? 'Strict' : undefined,
        dryRun: dryRunOf(options),
      },
      body: object,
      ...callOptions(options),
    });
  }

  /**
   * Server-side apply: the object holds exactly the fields that `fieldManager` wants to own. `force` takes fields that
   * another manager owns with another value, which is a Conflict otherwise.
   */
  apply<T extends KubeObject>(
    type: ResourceType,
    object: T,
    options: WriteOptions & {fieldManager: string; force?: boolean; subresource?: 'status'},
  ): Promise<T> {
    const {managedFields: _, ...metadata} = object.metadata;
    return this.#json<T>(type, {
      method: 'PATCH',
      verb: 'apply',
      key: object.metadata,
      subresource: options.subresource,
      query: {
        fieldManager: options.fieldManager,
        force: options.force === true ? true : undefined,
        dryRun: dryRunOf(options),
      },
      contentType: 'application/apply-patch+yaml',
      body: {...object, metadata},
      ...callOptions(options),
    });
  }

  /** JSON merge patch (RFC 7386): null removes a field, arrays are replaced. */
  mergePatch<T extends KubeObject>(
    type: ResourceType,
    key: ObjectKey,
    patch: unknown,
    options: WriteOptions & {subresource?: 'status'; fieldManager?: string} = {},
  ): Promise<T> {
    return this.#patch<T>(type, key, 'application/merge-patch+json', patch, options);
  }

  /** JSON patch (RFC 6902). */
  jsonPatch<T extends KubeObject>(
    type: ResourceType,
    key: ObjectKey,
    patch: readonly {op: string; path: string; value?: unknown}[],
    options: WriteOptions & {subresource?: 'status'; fieldManager?: string} = {},
  ): Promise<T> {
    return this.#patch<T>(type, key, 'application/json-patch+json', patch, options);
  }

  /** Replaces the whole object, at the resourceVersion it carries. @throws ApiError 409 Conflict when it has moved on */
  replace<T extends KubeObject>(type: ResourceType, object: T, options: CallOptions = {}): Promise<T> {
    return this.#json<T>(type, {
      method: 'PUT',
      verb: 'update',
      key: object.metadata,
      body: object,
      ...callOptions(options),
    });
  }

  /**
   * Deletes an object; one that is gone already is a success. With `uid` or `resourceVersion` only that very one.
   * @throws ApiError 409 Conflict when a precondition does not hold
   */
  async delete(
    type: ResourceType,
    key: ObjectKey,
    options: WriteOptions & {
      uid?: string | undefined;
      resourceVersion?: string | undefined;
      propagationPolicy?: 'Foreground' | 'Background' | 'Orphan' | undefined;
    } = {},
  ): Promise<void> {
    const {uid, resourceVersion, propagationPolicy} = options;
    const conditional = uid !== undefined || resourceVersion !== undefined;
    try {
      await this.#json<KubeObject>(type, {
        method: 'DELETE',
        verb: 'delete',
        key,
        body: {
          apiVersion: 'v1',
          kind: 'DeleteOptions',
          propagationPolicy,
          dryRun: options.dryRun === true ? ['All'] : undefined,
          ...(conditional ? {preconditions: {uid, resourceVersion}} : {}),
        },
        ...callOptions(options),
      });
    } catch (error) {
      if (!isAbsent(error)) throw error;
    }
  }

  /** The last lines of a container's log (of the one before, with `previous`); at most 1 MiB. */
  podLogs(
    key: ObjectKey,
    options: CallOptions & {container?: string; tailLines?: number; previous?: boolean} = {},
  ): Promise<string> {
    const {container, tailLines, previous} = options;
    return this.#transport.send({
      method: 'GET',
      verb: 'log',
      target: `pods ${keyOf(key)}`,
      path: pathOf(RESOURCES.Pod, {...key, subresource: 'log'}),
      query: {container, tailLines, previous, limitBytes: 1_048_576},
      accept: '*/*',
      ...callOptions(options),
    });
  }

  /** A path that is no resource, such as `/readyz` or `/version`; the answer's text. */
  raw(path: string, options: CallOptions = {}): Promise<string> {
    return this.#transport.send({
      method: 'GET',
      verb: 'get',
      target: path,
      path,
      accept: '*/*',
      ...callOptions(options),
    });
  }

  /** Closes all connections. Calls and watches under way end with an error. */
  close(): Promise<void> {
    return this.#transport.close();
  }

  #patch<T>(
    type: ResourceType,
    key: ObjectKey,
    contentType: string,
    body: unknown,
    options: WriteOptions & {subresource?: 'status'; fieldManager?: string},
  ): Promise<T> {
    return this.#json<T>(type, {
      method: 'PATCH',
      verb: 'patch',
      key,
      subresource: options.subresource,
      query: {fieldManager: options.fieldManager, dryRun: dryRunOf(options)},
      contentType,
      body,
      ...callOptions(options),
    });
  }

  #json<T>(type: ResourceType, request: TypedCall): Promise<T> {
    return callJson<T>(this.#transport, type, request);
  }
}
