import type {Registry} from 'prom-client';
import {Instruments} from '../support/instruments.ts';

/**
 * Told of every finished call to the API server, of a watch when it has begun. `code` is the HTTP status, or `<error>`
 * when no answer came.
 */
export interface ApiMetrics {
  request(verb: string, code: string, seconds: number): void;
}

/** Told of what a work queue does. */
export interface QueueMetrics {
  depth(waiting: number): void;
  added(): void;
  retried(): void;
  /** How long a key waited before a worker took it. */
  waited(seconds: number): void;
  /** How long the handler took. */
  worked(seconds: number): void;
}

/** Told of events that were written, folded into a series, or dropped. */
export interface EventMetrics {
  outcome(outcome: 'written' | 'aggregated' | 'rate_limited' | 'failed' | 'dropped'): void;
}

/** All that this room counts and times. */
export interface KubeMetrics {
  readonly api: ApiMetrics;
  readonly events: EventMetrics;
  queue(name: string): QueueMetrics;
  leading(name: string, leading: boolean): void;
}

const SECONDS = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

/** The metrics of this room under the names that client-go gave them, so that existing dashboards fit. */
export function createKubeMetrics(registry: Registry): KubeMetrics {
  const make = new Instruments(registry);
  const requests = make.counter(
    'rest_client_requests_total',
    'Calls to the API server, by verb and status code',
    'verb',
    'code',
  );
  const duration = make.histogram(
    'rest_client_request_duration_seconds',
    'How long calls to the API server took, retries apart',
    SECONDS,
    'verb',
  );
  const events = make.counter(
    'kube_events_total',
    'Events: written, aggregated into a series, rate_limited, failed, or dropped in a burst',
    'outcome',
  );
  const depth = make.gauge('workqueue_depth', 'Keys that wait in the queue', 'name');
  const adds = make.counter('workqueue_adds_total', 'Keys added to the queue', 'name');
  const retries = make.counter(
    'workqueue_retries_total',
    'Keys that came back because their handler failed',
    'name',
  );
  const waiting = make.histogram(
    'workqueue_queue_duration_seconds',
    'How long keys waited before a worker took them',
    SECONDS,
    'name',
  );
  const working = make.histogram(
    'workqueue_work_duration_seconds',
    'How long the handling of a key took',
    SECONDS,
    'name',
  );
  const leader = make.gauge('leader_election_master_status', '1 while this process leads, else 0', 'name');
  return {
    api: {
      request(verb, code, seconds) {
        requests.inc({verb, code});
        duration.observe({verb}, seconds);
      },
    },
    events: {outcome: (outcome) => events.inc({outcome})},
    queue: (name) => ({
      depth: (keys) => depth.set({name}, keys),
      added: () => adds.inc({name}),
      retried: () => retries.inc({name}),
      waited: (seconds) => waiting.observe({name}, seconds),
      worked: (seconds) => working.observe({name}, seconds),
    }),
    leading: (name, leading) => leader.set({name}, leading ? 1 : 0),
  };
}
