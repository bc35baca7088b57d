import type {Cluster} from './reconcile/act.ts';

/**
 * The cluster, as long as this process leads. A write is not even begun once the signal has aborted: another may lead
 * by then. Reads pass.
 */
export function fenced(cluster: Cluster, signal: AbortSignal): Cluster {
  // One signal stands behind very many calls: to join it anew for each would cost more than the calls.
  const joined = new WeakMap<AbortSignal, AbortSignal>();
  const both = (own: AbortSignal | undefined): AbortSignal => {
    if (own === undefined || own === signal) return signal;
    const known = joined.get(own) ?? AbortSignal.any([signal, own]);
    joined.set(own, known);
    return known;
  };
  return {
    get: (type, key, options) => cluster.get(type, key, options),
    podLogs: (key, options) => cluster.podLogs(key, options),
    create(type, object, options) {
      signal.throwIfAborted();
      return cluster.create(type, object, {...options, signal: both(options?.signal)});
    },
    apply(type, object, options) {
      signal.throwIfAborted();
      return cluster.apply(type, object, {...options, signal: both(options.signal)});
    },
    mergePatch(type, key, patch, options) {
      signal.throwIfAborted();
      return cluster.mergePatch(type, key, patch, {...options, signal: both(options?.signal)});
    },
    jsonPatch(type, key, patch, options) {
      signal.throwIfAborted();
      return cluster.jsonPatch(type, key, patch, {...options, signal: both(options?.signal)});
    },
    delete(type, key, options) {
      signal.throwIfAborted();
      return cluster.delete(type, key, {...options, signal: both(options?.signal)});
    },
  };
}
