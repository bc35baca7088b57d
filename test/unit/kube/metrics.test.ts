import {Registry} from 'prom-client';
import {expect, test} from 'vitest';
import {createKubeMetrics} from '../../../src/kube/metrics.ts';

test('what is told comes out under the names of client-go, from the registry that was given', async () => {
  const registry = new Registry();
  const metrics = createKubeMetrics(registry);
  metrics.api.request('get', '200', 0.004);
  metrics.api.request('create', '<error>', 1);
  metrics.events.outcome('written');
  const queue = metrics.queue('fraiseqlauth');
  queue.added();
  queue.retried();
  queue.depth(3);
  queue.waited(0.2);
  queue.worked(2);
  metrics.leading('lease', true);
  const text = await registry.metrics();
  for (const line of [
    'rest_client_requests_total{verb="get",code="200"} 1',
    'rest_client_requests_total{verb="create",code="<error>"} 1',
    'rest_client_request_duration_seconds_bucket{le="0.005",verb="get"} 1',
    'kube_events_total{outcome="written"} 1',
    'workqueue_adds_total{name="fraiseqlauth"} 1',
    'workqueue_retries_total{name="fraiseqlauth"} 1',
    'workqueue_depth{name="fraiseqlauth"} 3',
    'workqueue_queue_duration_seconds_sum{name="fraiseqlauth"} 0.2',
    'workqueue_work_duration_seconds_sum{name="fraiseqlauth"} 2',
    'leader_election_master_status{name="lease"} 1',
  ]) {
    expect(text).toContain(line);
  }
});
