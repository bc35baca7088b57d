import {collectDefaultMetrics, Gauge, Registry} from 'prom-client';
import {createKubeMetrics, type KubeMetrics} from '../kube/metrics.ts';
import {parseKey} from '../kube/objects.ts';
import {Instruments} from '../support/instruments.ts';

/** The operator's own metrics, beside those of `kube/`. */
export interface OperatorMetrics {
  readonly registry: Registry;
  readonly kube: KubeMetrics;
  /** A pass over a resource ended. */
  reconciled(result: 'success' | 'requeue' | 'error', seconds: number): void;
  /** Counts every resource that there is, and those that are ready, each time that it is asked for; `undefined`: no longer. */
  countResources(count: (() => {readonly total: number; readonly ready: number}) | undefined): void;
  /** All that a pass over a resource (`namespace/name`) had to do went well, at this time (seconds since the epoch). */
  synced(key: string, at: number): void;
  /** The API server refuses to show what is in a namespace, or does no longer. */
  blocked(namespace: string, blocked: boolean): void;
  /** A resource is gone: nothing is said of it any more. */
  forget(key: string): void;
}

/** The metrics, in a registry of their own, with those of the process. */
export function createOperatorMetrics(): OperatorMetrics {
  const registry = new Registry();
  const make = new Instruments(registry);
  collectDefaultMetrics({register: registry});
  const passes = make.counter(
    'fraiseql_auth_operator_reconcile_total',
    'Passes over a resource, by result: success, requeue (something is waited for, or was refused) or error',
    'result',
  );
  const duration = make.histogram(
    'fraiseql_auth_operator_reconcile_duration_seconds',
    'How long a pass over a resource took',
    [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
  );
  let count: Parameters<OperatorMetrics['countResources']>[0];
  const resources = new Gauge({
    name: 'fraiseql_auth_operator_resources',
    help: 'FraiseQLAuth resources that are watched, by whether they are ready',
    labelNames: ['ready'],
    registers: [],
    collect() {
      this.reset();
      const counted = count?.();
      if (counted === undefined) return;
      this.set({ready: 'true'}, counted.ready);
      this.set({ready: 'false'}, counted.total - counted.ready);
    },
  });
  registry.registerMetric(resources);
  const synced = make.gauge(
    'fraiseql_auth_operator_last_successful_sync_timestamp_seconds',
    'When all that a pass had to do last went well',
  );
  const resourceSynced = make.gauge(
    'fraiseql_auth_operator_resource_last_sync_timestamp_seconds',
    'When all that a pass over this resource had to do last went well; time() minus this is how long ago',
    'namespace',
    'name',
  );
  const blocked = make.gauge(
    'fraiseql_auth_operator_namespace_blocked',
    'Whether the operator may not watch a namespace (1): nothing is done in it then',
    'namespace',
  );
  return {
    registry,
    kube: createKubeMetrics(registry),
    reconciled(result, seconds) {
      passes.inc({result});
      duration.observe(seconds);
    },
    countResources: (counting) => void (count = counting),
    synced(key, at) {
      synced.set(at);
      resourceSynced.set(labelsOf(key), at);
    },
    blocked: (namespace, is) => blocked.set({namespace}, is ? 1 : 0),
    forget: (key) => resourceSynced.remove(labelsOf(key)),
  };
}

function labelsOf(key: string): {namespace: string; name: string} {
  const {namespace = '', name} = parseKey(key);
  return {namespace, name};
}
