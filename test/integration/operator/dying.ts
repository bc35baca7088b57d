import {RESOURCES, type KubeObject} from '../../../src/kube/objects.ts';
import type {Cluster} from '../../../src/operator/reconcile/act.ts';
import type {Observer} from './harness.ts';

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

/** Ready, of that generation of its spec. */
export const isReady = async (see: Observer, generation: number): Promise<boolean> => {
  const {status} = await see.resource();
  return (
    status?.observedGeneration === generation &&
    status.conditions?.find((each) => each.type === 'Ready')?.status === 'True'
  );
};

/** The namespace's end state, without what chance puts into names. */
export async function endState(see: Observer): Promise<string[]> {
  const children = await see.children();
  const keys = await see.get<KubeObject & {data: Record<string, string>}>(
    RESOURCES.Secret,
    'auth-signing-keys',
  );
  const {status} = await see.resource();
  return [
    ...children.map((each) => each.replace(/-[0-9a-f]{8}$/, '')).sort(),
    `keys: ${Object.keys(keys?.data ?? {}).filter((each) => each.endsWith('.pem')).length}`,
    ...(status?.conditions ?? []).map(({type, status, reason}) => `${type}=${status} ${reason}`),
  ];
}
