import {Counter, Gauge, Histogram, type Registry} from 'prom-client';

/** Told of every finished call to the API server, of a watch when it has begun. `code` is the HTTP status, or `<error>` when no answer came. */
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

export interface KubeMetrics {
  readonly api: ApiMetrics;
  readonly events: EventMetrics;
  queue(name: string): QueueMetrics;
  leading(name: string, leading: boolean): void;
}

const SECONDS = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

/** The metrics of this room under the names that client-go gave them, so that existing dashboards fit. */
export function createKubeMetrics(registry: Registry): KubeMetrics {
  const registers = [registry];
  const requests = new Counter({
    name: 'rest_client_requests_total',
    help: 'Calls to the API server, by verb and status code',
    labelNames: ['verb', 'code'] as const,
    registers,
  });
  const duration = new Histogram({
    name: 'rest_client_request_duration_seconds',
    help: 'How long calls to the API server took, retries apart',
    labelNames: ['verb'] as const,
    buckets: SECONDS,
    registers,
  });
  const events = new Counter({
    name: 'kube_events_total',
    help: 'Events: written, aggregated into a series, rate_limited, failed, or dropped in a burst',
    labelNames: ['outcome'] as const,
    registers,
  });
  const depth = new Gauge({
    name: 'workqueue_depth',
    help: 'Keys that wait in the queue',
    labelNames: ['name'] as const,
    registers,
  });
  const adds = new Counter({
    name: 'workqueue_adds_total',
    help: 'Keys added to the queue',
    labelNames: ['name'] as const,
    registers,
  });
  const retries = new Counter({
    name: 'workqueue_retries_total',
    help: 'Keys that came back because their handler failed',
    labelNames: ['name'] as const,
    registers,
  });
  const waiting = new Histogram({
    name: 'workqueue_queue_duration_seconds',
    help: 'How long keys waited before a worker took them',
    labelNames: ['name'] as const,
    buckets: SECONDS,
    registers,
  });
  const working = new Histogram({
    name: 'workqueue_work_duration_seconds',
    help: 'How long the handling of a key took',
    labelNames: ['name'] as const,
    buckets: SECONDS,
    registers,
  });
  const leader = new Gauge({
    name: 'leader_election_master_status',
    help: '1 while this process leads, else 0',
    labelNames: ['name'] as const,
    registers,
  });
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
