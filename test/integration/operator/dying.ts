import type {Cluster} from '../../../src/operator/reconcile/act.ts';

/** A cluster that dies before or after its n-th write was acknowledged, and does nothing from then on. */
export function dyingAt(
  n: number,
  when: 'before' | 'after',
): {wrap: (cluster: Cluster) => Cluster; dead: () => boolean} {
  let writes = 0;
  let dead = false;
  const guard = async <R>(write: () => Promise<R>): Promise<R> => {
    if (dead) throw new Error('dead');
    writes++;
    if (writes === n && when === 'before') dead = true;
    if (dead) throw new Error('died before the write');
    const result = await write();
    if (writes >= n) dead = true;
    if (dead) throw new Error('died after the write');
    return result;
  };
  return {
    dead: () => dead,
    wrap: (cluster) => ({
      get: (type, key, options) => cluster.get(type, key, options),
      podLogs: (key, options) => cluster.podLogs(key, options),
      create: (type, object, options) => guard(() => cluster.create(type, object, options)),
      apply: (type, object, options) => guard(() => cluster.apply(type, object, options)),
      jsonPatch: (type, key, patch, options) => guard(() => cluster.jsonPatch(type, key, patch, options)),
      mergePatch: (type, key, patch, options) => guard(() => cluster.mergePatch(type, key, patch, options)),
      delete: (type, key, options) => guard(() => cluster.delete(type, key, options)),
    }),
  };
}
