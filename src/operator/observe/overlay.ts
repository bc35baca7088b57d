import {keyOf, type KubeObject} from '../../kube/objects.ts';
import type {Clock} from '../../support/clock.ts';

/** A watch that does not show a write of ours for so long may have fallen silent. */
const LATE_MS = 30_000;
const SWEEP_MS = 5000;

interface Entry {
  /** Undefined: we deleted it. */
  readonly object: KubeObject | undefined;
  /** What we wrote, or deleted. */
  readonly ours: KubeObject;
  readonly writtenAt: number;
}

/** What the overlay asks of the stores that it stands before, and tells. */
export interface Stores {
  /** Whether all of the object's kind was listed after that time (by the monotonic clock); if not, it is asked for. */
  listedSince(object: KubeObject, time: number): boolean;
  /** Something that we wrote was never shown, and counts no more: the store is right now. */
  lapsed(object: KubeObject): void;
}

const FRESH: Stores = {listedSince: () => true, lapsed: () => undefined};

/** What the watch showed of an object, and what to do where that is news. */
interface Sight {
  readonly object: KubeObject;
  readonly tell: () => void;
}

/**
 * What we wrote ourselves and the watch has not shown yet. A store lags behind a write by some milliseconds; a pass in
 * between would see the child missing and create it again. So what the API server answered to our own write counts
 * until the store has caught up with it: by its watch, or, where that says nothing of it, by a new list.
 */
export class Overlay {
  readonly #clock: Clock;
  readonly #stores: Stores;
  readonly #entries = new Map<string, Entry>();
  /** Writes that wait for their answer, and what the watch showed of their objects meanwhile. */
  readonly #underWay = new Map<string, Sight[]>();

  #sweeping = false;

  constructor(clock: Clock, stores = FRESH) {
    this.#clock = clock;
    this.#stores = stores;
  }

  /** For how many objects it stands in. */
  get size(): number {
    return this.#entries.size;
  }

  /** Remembers what the API server gave back for a create or an apply. */
  wrote(object: KubeObject): void {
    this.#remember(object, object);
  }

  /** Remembers that an object was deleted. */
  deleted(object: KubeObject): void {
    this.#remember(undefined, object);
  }

  /** The newer of what the store has and what we wrote. */
  see<T extends KubeObject>(kind: string, key: string, stored: T | undefined): T | undefined {
    const entry = this.#entries.get(id(kind, key));
    if (entry === undefined) return stored;
    if (caughtUp(entry, stored)) {
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

  #remember(object: KubeObject | undefined, ours: KubeObject): void {
    const writtenAt = this.#clock.monotonic();
    this.#entries.set(id(ours.kind, keyOf(ours)), {object, ours, writtenAt});
    this.#sweepLater();
  }

  #sweepLater(): void {
    if (this.#sweeping) return;
    this.#sweeping = true;
    this.#clock.setTimeout(() => {
      this.#sweeping = false;
      this.#sweep();
    }, SWEEP_MS);
  }

  /** Of what a list shows as we wrote it the store tells; what is still here after one is gone, or no longer ours. */
  #sweep(): void {
    const late = this.#clock.monotonic() - LATE_MS;
    for (const [key, {object, ours, writtenAt}] of this.#entries) {
      if (writtenAt > late || !this.#stores.listedSince(ours, writtenAt)) continue;
      this.#entries.delete(key);
      if (object !== undefined) this.#stores.lapsed(object);
    }
    if (this.#entries.size > 0) this.#sweepLater();
  }
}

const id = (kind: string, key: string): string => `${kind} ${key}`;

function caughtUp(entry: Entry, stored: KubeObject | undefined): boolean {
  if (entry.object === undefined)
    return stored === undefined || stored.metadata.uid !== entry.ours.metadata.uid;
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
