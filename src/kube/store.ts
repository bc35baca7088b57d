import {keyOf, type KubeObject} from './objects.ts';

type IndexFunction<T> = (object: T) => readonly string[] | string | undefined;

interface Index<T> {
  readonly valuesOf: (object: T) => readonly string[];
  /** Mostly it is one key: a list of it would take three times the memory, and a set ten times. */
  readonly keys: Map<string, string | string[]>;
}

/**
 * What a reflector knows of its objects, by key (`namespace/name`, or `name`), with indexes. An object stays the very
 * same instance until it changes; nobody may alter it.
 */
export class Store<T extends KubeObject> {
  readonly #objects = new Map<string, T>();
  readonly #indexes = new Map<string, Index<T>>();

  get size(): number {
    return this.#objects.size;
  }

  get(key: string): T | undefined {
    return this.#objects.get(key);
  }

  list(): T[] {
    return [...this.#objects.values()];
  }

  keys(): string[] {
    return [...this.#objects.keys()];
  }

  /** The objects for which the index's function gave this value; empty where none did. */
  byIndex(index: string, value: string): T[] {
    const found = this.#indexes.get(index);
    if (found === undefined) throw new TypeError(`the store has no index ${index}; add it with addIndex`);
    const keys = found.keys.get(value) ?? [];
    return (typeof keys === 'string' ? [keys] : keys).flatMap((key) => this.#objects.get(key) ?? []);
  }

  /** Adds an index; `fn` gives the values (or the value, or none) under which an object is found. */
  addIndex(name: string, fn: IndexFunction<T>): void {
    if (this.#indexes.has(name)) throw new TypeError(`the store has an index ${name} already`);
    const index: Index<T> = {
      keys: new Map(),
      valuesOf(object) {
        const values = fn(object);
        return typeof values === 'string' ? [values] : (values ?? []);
      },
    };
    this.#indexes.set(name, index);
    for (const [key, object] of this.#objects) enter(index, key, object);
  }

  /** Puts an object in and returns the one that it replaces. For the reflector. */
  set(object: T): T | undefined {
    const key = keyOf(object);
    const previous = this.#objects.get(key);
    this.#objects.set(key, object);
    for (const index of this.#indexes.values()) {
      if (previous === undefined) {
        enter(index, key, object);
      } else if (!standsAlike(index, previous, object)) {
        leave(index, key, previous);
        enter(index, key, object);
      }
    }
    return previous;
  }

  /** Takes an object out and returns it. For the reflector. */
  remove(key: string): T | undefined {
    const previous = this.#objects.get(key);
    if (previous === undefined) return undefined;
    this.#objects.delete(key);
    for (const index of this.#indexes.values()) leave(index, key, previous);
    return previous;
  }
}

/** Whether both are found under the same values: so it is with nearly every change. */
function standsAlike<T>({valuesOf}: Index<T>, one: T, other: T): boolean {
  const [before, after] = [valuesOf(one), valuesOf(other)];
  return before.length === after.length && before.every((value, at) => value === after[at]);
}

function enter<T>(index: Index<T>, key: string, object: T): void {
  for (const value of index.valuesOf(object)) {
    const keys = index.keys.get(value);
    if (keys === undefined) index.keys.set(value, key);
    else if (typeof keys !== 'string') keys.push(...(keys.includes(key) ? [] : [key]));
    else if (keys !== key) index.keys.set(value, [keys, key]);
  }
}

function leave<T>(index: Index<T>, key: string, object: T): void {
  for (const value of index.valuesOf(object)) {
    const keys = index.keys.get(value);
    if (keys === key) index.keys.delete(value);
    if (keys === undefined || typeof keys === 'string' || !keys.includes(key)) continue;
    keys.splice(keys.indexOf(key), 1);
    if (keys.length === 0) index.keys.delete(value);
  }
}
