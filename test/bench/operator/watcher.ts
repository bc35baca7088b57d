import type {KubeClient} from '../../../src/kube/client.ts';
import {keyOf, type KubeObject, type ResourceType} from '../../../src/kube/objects.ts';
import type {Change} from '../../../src/kube/mirror.ts';
import {Reflector} from '../../../src/kube/reflector.ts';

/** Sees the objects of one type come and change, and says when. */
export class Watcher<T extends KubeObject> {
  readonly #reflector: Reflector<T>;
  readonly #waiting = new Set<(change: Change<T>) => void>();

  /** `onChange` is told of every change. */
  constructor(
    client: KubeClient,
    type: ResourceType,
    labelSelector?: string,
    onChange?: (change: Change<T>) => void,
  ) {
    this.#reflector = new Reflector<T>(client, type, {labelSelector});
    this.#reflector.onChange((change) => {
      onChange?.(change);
      for (const each of this.#waiting) each(change);
    });
  }

  async start(): Promise<void> {
    this.#reflector.start();
    await this.#reflector.synced();
  }

  list(): T[] {
    return this.#reflector.store.list();
  }

  /** Resolves with the time (`performance.now`) of the first change from now on that `holds`. @throws Error after a minute */
  next(what: string, holds: (change: Change<T>) => boolean): Promise<number> {
    const {promise, resolve, reject} = Promise.withResolvers<number>();
    const see = (change: Change<T>): void => {
      if (holds(change)) resolve(performance.now());
    };
    const late = setTimeout(() => reject(new Error(`${what}: not seen within a minute`)), 60_000);
    this.#waiting.add(see);
    return promise.finally(() => {
      clearTimeout(late);
      this.#waiting.delete(see);
    });
  }

  /** Resolves when as many objects as that have fulfilled `holds`, each at some time; with the time of the last. */
  async count(wanted: number, holds: (object: T) => boolean, withinMs: number): Promise<number> {
    const done = new Set(
      this.list()
        .filter(holds)
        .map((each) => keyOf(each)),
    );
    if (done.size >= wanted) return performance.now();
    const {promise, resolve, reject} = Promise.withResolvers<number>();
    const see = ({type, object}: Change<T>): void => {
      if (type !== 'deleted' && holds(object)) done.add(keyOf(object));
      if (done.size >= wanted) resolve(performance.now());
    };
    const late = setTimeout(
      () => reject(new Error(`${done.size} of ${wanted} after ${withinMs / 1000} s`)),
      withinMs,
    );
    this.#waiting.add(see);
    return promise.finally(() => {
      clearTimeout(late);
      this.#waiting.delete(see);
    });
  }

  stop(): Promise<void> {
    return this.#reflector.stop();
  }
}
