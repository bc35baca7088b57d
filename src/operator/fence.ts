import {ApiError} from '../kube/client.ts';
import type {EventPort} from '../kube/events.ts';
import type {Cluster} from './reconcile/act.ts';

/**
 * A call may hold a worker for so long. An admission webhook is given ten seconds by default: what the server then says
 * of it is worth waiting for.
 */
const CALL_MS = 11_000;

/**
 * The cluster, as long as this process leads. A write is not even begun once the signal has aborted, or `mayWrite` says
 * no: another may lead by then. Reads pass.
 */
export function fenced(cluster: Cluster, signal: AbortSignal, mayWrite: () => boolean = () => true): Cluster {
  // One signal stands behind very many calls: to join it anew for each would cost more than the calls.
  const joined = new WeakMap<AbortSignal, AbortSignal>();
  const both = (own: AbortSignal | undefined): AbortSignal => {
    if (own === undefined || own === signal) return signal;
    const known = joined.get(own) ?? AbortSignal.any([signal, own]);
    joined.set(own, known);
    return known;
  };
  const begin = (): void => {
    signal.throwIfAborted();
    refuseUnless(mayWrite());
  };
  return {
    get: (type, key, options) => cluster.get(type, key, {timeoutMs: CALL_MS, ...options}),
    podLogs: (key, options) => cluster.podLogs(key, options),
    create(type, object, options) {
      begin();
      return cluster.create(type, object, {timeoutMs: CALL_MS, ...options, signal: both(options?.signal)});
    },
    apply(type, object, options) {
      begin();
      return cluster.apply(type, object, {timeoutMs: CALL_MS, ...options, signal: both(options.signal)});
    },
    mergePatch(type, key, patch, options) {
      begin();
      return cluster.mergePatch(type, key, patch, {
        timeoutMs: CALL_MS,
        ...options,
        signal: both(options?.signal),
      });
    },
    jsonPatch(type, key, patch, options) {
      begin();
      return cluster.jsonPatch(type, key, patch, {
        timeoutMs: CALL_MS,
        ...options,
        signal: both(options?.signal),
      });
    },
    delete(type, key, options) {
      begin();
      return cluster.delete(type, key, {timeoutMs: CALL_MS, ...options, signal: both(options?.signal)});
    },
  };
}

/** The same for events. They are told to the end, so also after the work was told to end, but not by one who lost the lease. */
export function fencedEvents(client: EventPort, mayWrite: () => boolean): EventPort {
  return {
    async create(type, object, options) {
      refuseUnless(mayWrite());
      return client.create(type, object, options);
    },
    async mergePatch(type, key, patch, options) {
      refuseUnless(mayWrite());
      return client.mergePatch(type, key, patch, options);
    },
  };
}

function refuseUnless(leads: boolean): void {
  if (!leads) throw new ApiError(0, 'Aborted', 'this process no longer leads: nothing is written');
}
