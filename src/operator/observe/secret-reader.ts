import type {KubeClient} from '../../kube/client.ts';
import {RESOURCES, type KubeObject} from '../../kube/objects.ts';
import {Reflector, type ReflectorPort} from '../../kube/reflector.ts';
import type {Clock} from '../../support/clock.ts';
import type {Logger} from '../../support/logging.ts';
import type {SecretView} from '../observed.ts';
import {nextPins, type Pins} from '../decide/certificates.ts';
import {viewOf} from '../decide/secrets.ts';

export interface SecretReaderOptions {
  readonly clock: Clock;
  readonly random?: (() => number) | undefined;
  readonly logger: Logger;
  /** Told of a resource one of whose Secrets changed. */
  readonly onKey: (key: string) => void;
}

interface Known {
  readonly resourceVersion: string | undefined;
  /** Undefined: a live read said that there is none. */
  readonly view: SecretView | undefined;
  /** When it was read, monotonic milliseconds. */
  readonly readAt: number;
  /** What pods that mount it may show. */
  readonly pins: Pins;
}

/** A read is believed for so long while the watch has not yet shown everything. */
const UNWATCHED_MS = 2000;

interface Namespace {
  readonly reflector: Reflector<KubeObject>;
  /** What a live read gave, by the Secret's name. */
  readonly known: Map<string, Known>;
  /** Live reads under way: many resources may name one Secret. */
  readonly reading: Map<string, Promise<unknown>>;
  /** Which resources name a Secret. */
  readonly users: Map<string, Set<string>>;
  /** Which Secrets a resource names. */
  readonly named: Map<string, readonly string[]>;
}

/**
 * The users' Secrets. A namespace with a resource in it is watched for metadata only, and of that no more is kept than
 * says that a Secret has changed; a Secret that a resource names is then read by itself, and of its values only hashes
 * stay in memory.
 */
export class SecretReader {
  readonly #client: ReflectorPort & Pick<KubeClient, 'get'>;
  readonly #options: SecretReaderOptions;
  readonly #namespaces = new Map<string, Namespace>();

  constructor(client: ReflectorPort & Pick<KubeClient, 'get'>, options: SecretReaderOptions) {
    this.#client = client;
    this.#options = options;
  }

  /**
   * The Secrets of those names for a resource, undefined for one that does not exist.
   * @throws ApiError when one cannot be read: that is never taken for its absence
   */
  async read(
    key: string,
    namespace: string,
    names: readonly string[],
    signal: AbortSignal,
  ): Promise<Map<string, SecretView | undefined>> {
    const space = this.#space(namespace);
    this.#use(space, key, names);
    const entries = await Promise.all(
      names.map(async (name) => [name, await this.#one(space, namespace, name, signal)] as const),
    );
    return new Map(entries);
  }

  /** The fingerprints of the certificates that pods which mount a Secret may show; none where it was never read. */
  pins(namespace: string, name: string): readonly string[] {
    const now = this.#options.clock.monotonic();
    const pins = this.#namespaces.get(namespace)?.known.get(name)?.pins ?? [];
    return pins.filter(({until}) => until > now).map(({fingerprint}) => fingerprint);
  }

  /** A resource is gone, or names no Secrets any more. */
  async forget(key: string, namespace: string): Promise<void> {
    const space = this.#namespaces.get(namespace);
    if (space === undefined) return;
    this.#use(space, key, []);
    space.named.delete(key);
    if (space.named.size > 0) return;
    this.#namespaces.delete(namespace);
    await space.reflector.stop();
  }

  /**
   * How long the quietest of its watches has been silent, in milliseconds; 0 where there is none. One of which nothing
   * was ever heard does not count: a new process would hear no more of it.
   */
  silentMs(): number {
    const heard = [...this.#namespaces.values()].filter(({reflector}) => reflector.pulse.wasHeard());
    return Math.max(0, ...heard.map(({reflector}) => reflector.lastActivityMs()));
  }

  async stop(): Promise<void> {
    const all = [...this.#namespaces.values()];
    this.#namespaces.clear();
    await Promise.all(all.map((each) => each.reflector.stop()));
  }

  async #one(
    space: Namespace,
    namespace: string,
    name: string,
    signal: AbortSignal,
  ): Promise<SecretView | undefined> {
    const askedAt = this.#options.clock.monotonic();
    for (;;) {
      const known = space.known.get(name);
      if (known !== undefined) {
        if (known.readAt > askedAt || this.#isFresh(space, `${namespace}/${name}`, known)) return known.view;
      }
      const reading = space.reading.get(name);
      if (reading === undefined) return this.#live(space, {namespace, name}, signal);
      // What another asked for serves as well, unless it is outdated by then, or failed.
      await reading.catch(() => undefined);
    }
  }

  #isFresh(space: Namespace, key: string, known: Known): boolean {
    if (!space.reflector.hasSynced()) return this.#options.clock.monotonic() - known.readAt < UNWATCHED_MS;
    return space.reflector.store.get(key)?.metadata.resourceVersion === known.resourceVersion;
  }

  #live(
    space: Namespace,
    key: {namespace: string; name: string},
    signal: AbortSignal,
  ): Promise<SecretView | undefined> {
    const readAt = this.#options.clock.monotonic();
    const read = async (): Promise<SecretView | undefined> => {
      const secret = await this.#client.get<KubeObject & {data?: Record<string, string>}>(
        RESOURCES.Secret,
        key,
        {signal, timeoutMs: 10_000},
      );
      const view = secret === undefined ? undefined : viewOf(secret.data);
      const pins = nextPins(space.known.get(key.name)?.pins ?? [], view, readAt);
      space.known.set(key.name, {resourceVersion: secret?.metadata.resourceVersion, view, readAt, pins});
      return view;
    };
    const reading = read().finally(() => space.reading.delete(key.name));
    space.reading.set(key.name, reading);
    return reading;
  }

  #space(namespace: string): Namespace {
    const found = this.#namespaces.get(namespace);
    if (found !== undefined) return found;
    const {clock, random, logger, onKey} = this.#options;
    const reflector = new Reflector<KubeObject>(this.#client, RESOURCES.Secret, {
      namespace,
      metadataOnly: true,
      transform: versionOnly,
      clock,
      random,
      logger,
    });
    const space: Namespace = {
      reflector,
      known: new Map(),
      reading: new Map(),
      users: new Map(),
      named: new Map(),
    };
    this.#namespaces.set(namespace, space);
    const compare = (name: string, seen: string | undefined): void => {
      const known = space.known.get(name);
      if (known === undefined || known.resourceVersion === seen) return;
      for (const key of space.users.get(name) ?? []) onKey(key);
    };
    reflector.onChange(({type, object}) => {
      const {name, resourceVersion} = object.metadata;
      compare(name, type === 'deleted' ? undefined : resourceVersion);
    });
    reflector.start();
    // One that was read, and deleted before the watch began, no change will ever tell of.
    const all = (): void => {
      for (const name of space.known.keys()) {
        compare(name, reflector.store.get(`${namespace}/${name}`)?.metadata.resourceVersion);
      }
    };
    reflector.synced().then(all, () => undefined);
    return space;
  }

  #use(space: Namespace, key: string, names: readonly string[]): void {
    const before = space.named.get(key) ?? [];
    if (before.length === names.length && before.every((name, index) => name === names[index])) return;
    for (const name of before) {
      if (names.includes(name)) continue;
      const users = space.users.get(name);
      users?.delete(key);
      if (users?.size !== 0) continue;
      space.users.delete(name);
      space.known.delete(name);
    }
    for (const name of names) {
      const users = space.users.get(name);
      if (users === undefined) space.users.set(name, new Set([key]));
      else users.add(key);
    }
    space.named.set(key, names);
  }
}

/** Of a Secret's metadata: its name, and what tells one version from another. */
function versionOnly(object: KubeObject): KubeObject {
  const {name, namespace, uid, resourceVersion} = object.metadata;
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: {
      name,
      ...(namespace !== undefined && {namespace}),
      ...(uid !== undefined && {uid}),
      ...(resourceVersion !== undefined && {resourceVersion}),
    },
  };
}
