import type {Cluster} from './reconcile/act.ts';

/**
 * The cluster, as long as this process leads. A write is not even begun once the signal has aborted: another may lead
 * by then. Reads pass.
 */
export function fenced(cluster: Cluster, signal: AbortSignal): Cluster {
  return {
    get: (type, key, options) => cluster.get(type, key, options),
    podLogs: (key, options) => cluster.podLogs(key, options),
    create(type, object, options) {
      signal.throwIfAborted();
      return cluster.create(type, object, {...options, signal: both(signal, options?.signal)});
    },
    apply(type, object, options) {
      signal.throwIfAborted();
      return cluster.apply(type, object, {...options, signal: both(signal, options.signal)});
    },
    mergePatch(type, key, patch, options) {
      signal.throwIfAborted();
      return cluster.mergePatch(type, key, patch, {...options, signal: both(signal, options?.signal)});
    },
    jsonPatch(type, key, patch, options) {
      signal.throwIfAborted();
      return cluster.jsonPatch(type, key, patch, {...options, signal: both(signal, options?.signal)});
    },
    delete(type, key, options) {
      signal.throwIfAborted();
      return cluster.delete(type, key, {...options, signal: both(signal, options?.signal)});
    },
  };
}

function both(fence: AbortSignal, own: AbortSignal | undefined): AbortSignal {
  return own === undefined || own === fence ? fence : AbortSignal.any([fence, own]);
}
