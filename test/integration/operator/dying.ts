import type {Cluster} from '../../../src/operator/reconcile/act.ts';

/** Where an operator dies: at its n-th write, before that has arrived, or after it was acknowledged. */
export interface Kill {
  readonly n: number;
  readonly when: 'before' | 'after';
  /** What happens at that moment; a write before which it happens still arrives, and its answer is not heard. */
  readonly meanwhile?: () => Promise<unknown>;
}

/** The end of an operator. */
export interface Death {
  readonly dead: () => boolean;
  write<R>(write: () => Promise<R>): Promise<R>;
}

export function deathAt({n, when, meanwhile}: Kill): Death {
  let writes = 0;
  let dead = n === 0;
  return {
    dead: () => dead,
    async write(write) {
      if (dead) throw new Error('dead');
      if (++writes !== n) return write();
      if (when === 'before') {
        await meanwhile?.();
        if (meanwhile !== undefined) await write().catch(() => undefined);
      } else {
        await write();
        await meanwhile?.();
      }
      dead = true;
      throw new Error(`died ${when} the write`);
    },
  };
}

/** A cluster that dies at its n-th write, and does nothing from then on. */
export function dyingAt(
  n: number,
  when: 'before' | 'after',
): {wrap: (cluster: Cluster) => Cluster; dead: () => boolean} {
  const death = deathAt({n, when});
  return {dead: death.dead, wrap: (cluster) => guarded(cluster, () => death)};
}

/** A cluster that dies for each namespace by itself: one operator stands for as many as there are. */
export function dyingIn(deaths: ReadonlyMap<string, Death>): (cluster: Cluster) => Cluster {
  return (cluster) =>
    guarded(cluster, (namespace) => {
      const death = deaths.get(namespace);
      if (death === undefined) throw new Error(`nobody writes in namespace ${namespace}`);
      return death;
    });
}

function guarded(cluster: Cluster, of: (namespace: string) => Death): Cluster {
  const guard = <R>(
    {namespace = ''}: {namespace?: string | undefined},
    write: () => Promise<R>,
  ): Promise<R> => of(namespace).write(write);
  return {
    get: (type, key, options) => cluster.get(type, key, options),
    podLogs: (key, options) => cluster.podLogs(key, options),
    create: (type, object, options) => guard(object.metadata, () => cluster.create(type, object, options)),
    apply: (type, object, options) => guard(object.metadata, () => cluster.apply(type, object, options)),
    jsonPatch: (type, key, patch, options) => guard(key, () => cluster.jsonPatch(type, key, patch, options)),
    mergePatch: (type, key, patch, options) =>
      guard(key, () => cluster.mergePatch(type, key, patch, options)),
    delete: (type, key, options) => guard(key, () => cluster.delete(type, key, options)),
  };
}
