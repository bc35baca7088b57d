import {keyOf, type KubeObject} from '../../kube/objects.ts';
import type {Clock} from '../../support/clock.ts';

/** How long a write of ours is believed without the watch having shown it. */
const BELIEVED_MS = 30_000;
const SWEEP_MS = 5000;

interface Entry {
  /** Undefined: we deleted it. */
  readonly object: KubeObject | undefined;
  /** The uid of what was deleted. */
  readonly uid: string | undefined;
  readonly until: number;
}

/** What the watch showed of an object, and what to do where that is news. */
interface Sight {
  readonly object: KubeObject;
  readonly tell: () => void;
}

/**
 * What we wrote ourselves and the watch has not shown yet. A store lags behind a write by some milliseconds; a pass in
 * between would see the child missing and create it again. So what the API server answered to our own write counts
 * until the store has caught up with it.
 */
export class Overlay {
  readonly #clock: Clock;
  readonly #onLapsed: (object: KubeObject) => void;
  readonly #entries = new Map<string, Entry>();
  /** Writes that wait for their answer, and what the watch showed of their objects meanwhile. */
  readonly #underWay = new Map<string, Sight[]>();

  #sweeping = false;

  /** `onLapsed` is told of what we wrote and no watch ever showed: it may be gone, and nobody else would tell. */
  constructor(clock: Clock, onLapsed: (object: KubeObject) => void = () => undefined) {
    this.#clock = clock;
    this.#onLapsed = onLapsed;
  }

  /** For how many objects it stands in. */
  get size(): number {
    return this.#entries.size;
  }

  /** Remembers what the API server gave back for a create or an apply. */
  wrote(object: KubeObject): void {
    this.#entries.set(id(object.kind, keyOf(object)), {object, uid: undefined, until: this.#deadline()});
    this.#sweepLater();
  }

  /** Remembers that an object was deleted. */
  deleted(object: KubeObject): void {
    this.#entries.set(id(object.kind, keyOf(object)), {
      object: undefined,
      uid: object.metadata.uid,
      until: this.#deadline(),
    });
    this.#sweepLater();
  }

  /** The newer of what the store has and what we wrote. */
  see<T extends KubeObject>(kind: string, key: string, stored: T | undefined): T | undefined {
    const entry = this.#entries.get(id(kind, key));
    if (entry === undefined) return stored;
    if (this.#clock.monotonic() > entry.until || caughtUp(entry, stored)) {
      this.#entries.delete(id(kind, key));
      return stored;
    }
    return entry.object as T | undefined;
  }

  /** Every object that we wrote for a resource and that the overlay still stands in for. */
  writtenFor(key: string, keyOfOwner: (object: KubeObject) => string | undefined): KubeObject[] {
    const found: KubeObject[] = [];
    for (const {object} of this.#entries.values()) {
      if (object !== undefined && keyOfOwner(object) === key) found.push(object);
    }
    return found;
  }

  /**
   * Does a write of ours to the object of that kind and key, `wrote` included. The watch is often faster than the
   * answer: what it shows meanwhile is judged when the write is over.
   */
  async during<T>(kind: string, key: string, write: () => Promise<T>): Promise<T> {
    const sights: Sight[] = [];
    this.#underWay.set(id(kind, key), sights);
    try {
      return await write();
    } finally {
      this.#underWay.delete(id(kind, key));
      for (const each of sights) this.shown(each.object, each.tell);
    }
  }

  /**
   * The watch showed an object, and the store has it: what we wrote before that counts no more. Calls `tell` where it
   * is news: neither what our own write made nor anything before that.
   */
  shown(object: KubeObject, tell: () => void): void {
    const key = id(object.kind, keyOf(object));
    const underWay = this.#underWay.get(key);
    if (underWay !== undefined) {
      underWay.push({object, tell});
      return;
    }
    const entry = this.#entries.get(key);
    if (entry !== undefined && caughtUp(entry, object)) this.#entries.delete(key);
    const version = object.metadata.resourceVersion;
    const known = entry?.object?.metadata.resourceVersion;
    if (version === undefined || known === undefined || !notOlder(known, version)) tell();
  }

  /** The watch showed that an object is gone: what we wrote to it counts no more. */
  gone(object: KubeObject): void {
    const key = id(object.kind, keyOf(object));
    const entry = this.#entries.get(key);
    if (entry?.object === undefined || entry.object.metadata.uid === object.metadata.uid)
      this.#entries.delete(key);
  }

  #sweepLater(): void {
    if (this.#sweeping) return;
    this.#sweeping = true;
    this.#clock.setTimeout(() => {
      this.#sweeping = false;
      this.#sweep();
    }, SWEEP_MS);
  }

  #sweep(): void {
    const now = this.#clock.monotonic();
    for (const [key, {object, until}] of this.#entries) {
      if (until >= now) continue;
      this.#entries.delete(key);
      if (object !== undefined) this.#onLapsed(object);
    }
    if (this.#entries.size > 0) this.#sweepLater();
  }

  #deadline(): number {
    return this.#clock.monotonic() + BELIEVED_MS;
  }
}

const id = (kind: string, key: string): string => `${kind} ${key}`;

function caughtUp(entry: Entry, stored: KubeObject | undefined): boolean {
  if (entry.object === undefined) return stored === undefined || stored.metadata.uid !== entry.uid;
  return (
    stored !== undefined && notOlder(stored.metadata.resourceVersion, entry.object.metadata.resourceVersion)
  );
}

/**
 * Compares two resource versions of one object. They are decimal numbers that grow (Kubernetes promises it since 1.35,
 * and etcd always did); where one is not, only equality counts.
 */
export function notOlder(version: string | undefined, than: string | undefined): boolean {
  if (version === undefined || than === undefined) return true;
  if (!/^[0-9]+$/.test(version) || !/^[0-9]+$/.test(than)) return version === than;
  return BigInt(version) >= BigInt(than);
}
