import {bare} from './bare.ts';
import {keyOf, type KubeObject} from './objects.ts';
import {Store} from './store.ts';

/** What happened to an object; `previous` is what was known of it before. */
export interface Change<T> {
  readonly type: 'added' | 'modified' | 'deleted';
  readonly object: T;
  readonly previous?: T;
}

/** An object that the server has shown, by its key: what is to be kept of it, if anything. */
export interface Sight<T> {
  readonly key: string;
  readonly object: T | undefined;
}

interface MirrorOptions<T> {
  /** What to keep of an object; undefined: all but what {@link bare} leaves out. */
  readonly transform: ((object: T) => T | undefined) | undefined;
  /** Told what a handler threw, and of which object it was told. */
  readonly onError: (error: unknown, key: string) => void;
}

/** A store that holds what a server has shown, and whoever is told what is different in it. */
export class Mirror<T extends KubeObject> {
  readonly store = new Store<T>();
  readonly #options: MirrorOptions<T>;
  readonly #handlers: ((change: Change<T>) => void)[] = [];

  constructor(options: MirrorOptions<T>) {
    this.#options = options;
  }

  /** Calls `fn` after the store has changed. What it throws is told, and does no harm. */
  onChange(fn: (change: Change<T>) => void): void {
    this.#handlers.push(fn);
  }

  /** What is to be kept of an object; of a version that is known already nothing has to be made once more. */
  sight(whole: T): Sight<T> {
    const key = keyOf(whole);
    const known = this.store.get(key);
    if (known !== undefined && sameVersion(known, whole)) return {key, object: known};
    return {key, object: (this.#options.transform ?? bare)(whole)};
  }

  /** The server has shown it. */
  show({key, object}: Sight<T>): void {
    if (object === undefined) {
      this.remove(key);
      return;
    }
    const known = this.store.get(key);
    if (known !== undefined && sameVersion(known, object)) return;
    if (known !== undefined && known.metadata.uid !== object.metadata.uid) {
      // Deleted and made anew between two looks: another object, of which nothing may be assumed.
      this.remove(key);
      this.store.set(object);
      this.#tell({type: 'added', object});
      return;
    }
    this.store.set(object);
    this.#tell(known === undefined ? {type: 'added', object} : {type: 'modified', object, previous: known});
  }

  /** It is gone; `last` is how the server has shown it then. */
  remove(key: string, last?: T): void {
    const previous = this.store.remove(key);
    if (previous === undefined) return;
    const object = last === undefined ? previous : {...previous, metadata: bare(last).metadata};
    this.#tell({type: 'deleted', object, previous});
  }

  #tell(change: Change<T>): void {
    for (const handler of this.#handlers) {
      try {
        handler(change);
      } catch (error) {
        this.#options.onError(error, keyOf(change.object));
      }
    }
  }
}

function sameVersion(a: KubeObject, b: KubeObject): boolean {
  return a.metadata.resourceVersion === b.metadata.resourceVersion && a.metadata.uid === b.metadata.uid;
}
