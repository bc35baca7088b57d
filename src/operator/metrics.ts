import {collectDefaultMetrics, Registry} from 'prom-client';
import {createKubeMetrics, type KubeMetrics} from '../kube/metrics.ts';
import {Instruments} from '../support/instruments.ts';

/** The operator's own metrics, beside those of `kube/`. */
export interface OperatorMetrics {
  readonly registry: Registry;
  readonly kube: KubeMetrics;
  /** A pass over a resource ended. */
  reconciled(result: 'success' | 'requeue' | 'error', seconds: number): void;
  /** Every resource that there is, and those that are ready. */
  resources(total: number, ready: number): void;
  /** A pass ended without an error, at this time (seconds since the epoch). */
  synced(at: number): void;
}

export function createOperatorMetrics(): OperatorMetrics {
  const registry = new Registry();
  const make = new Instruments(registry);
  collectDefaultMetrics({register: registry});
  const passes = make.counter(
    'fraiseql_auth_operator_reconcile_total',
    'Passes over a resource, by result: success, requeue (something is waited for) or error',
    'result',
  );
  const duration = make.histogram(
    'fraiseql_auth_operator_reconcile_duration_seconds',
    'How long a pass over a resource took',
    [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
  );
  const resources = make.gauge(
    'fraiseql_auth_operator_resources',
    'FraiseQLAuth resources that are watched, by whether they are ready',
    'ready',
  );
  const synced = make.gauge(
    'fraiseql_auth_operator_last_successful_sync_timestamp_seconds',
    'When a pass last ended without an error',
  );
  return {
    registry,
    kube: createKubeMetrics(registry),
    reconciled(result, seconds) {
      passes.inc({result});
      duration.observe(seconds);
    },
    resources(total, ready) {
      resources.set({ready: 'true'}, ready);
      resources.set({ready: 'false'}, total - ready);
    },
    synced: (at) => synced.set(at),
  };
}
