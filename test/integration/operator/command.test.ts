import {once} from 'node:events';
import {afterEach, afterAll, beforeAll, describe, expect, test} from 'vitest';
import {FRAISEQLAUTH} from '../../../src/api/v1alpha1/group-version.ts';
import type {Lease} from '../../../src/kube/lease.ts';
import {RESOURCES} from '../../../src/kube/objects.ts';
import {startOperator, type OperatorProgram} from '../../support/operator-program.ts';
import {eventually, fraiseqlauth, IMAGE, startOwnHarness, type OwnHarness} from './harness.ts';

let harness: OwnHarness;
beforeAll(async () => {
  harness = await startOwnHarness();
});
afterAll(() => harness.stop());

const programs: OperatorProgram[] = [];
afterEach(() => {
  for (const {process} of programs.splice(0)) process.kill('SIGKILL');
});

async function program(env: Record<string, string> = {}): Promise<OperatorProgram> {
  const started = await startOperator(harness.server.kubeconfigPath, IMAGE, env);
  programs.push(started);
  return started;
}

const lease = async (): Promise<Lease | undefined> =>
  harness.admin.get<Lease>(RESOURCES.Lease, {namespace: 'default', name: 'fraiseql-auth-operator'});

describe('fraiseql-auth operator', () => {
  test('leads, works, shows how it is, and ends within seconds when it is told to', async () => {
    const {namespace, see} = await harness.prepare();
    const one = await program({POD_NAME: 'one', WATCH_NAMESPACE: namespace});
    await eventually(() => one.health('/readyz'));
    expect(await one.health('/healthz')).toBe('ok\n');
    await eventually(async () => (await lease())?.spec.holderIdentity === 'one');

    const two = await program({POD_NAME: 'two', WATCH_NAMESPACE: namespace});
    await eventually(() => two.health('/readyz'));
    await harness.admin.create(FRAISEQLAUTH, fraiseqlauth(namespace));
    await see.becomeReady();
    // Events are written a moment later.
    const metrics = await eventually(async () => {
      const text = await one.metrics();
      return text.includes('kube_events_total{outcome="written"}') && text;
    });
    expect(metrics).toMatch(/^fraiseql_auth_operator_reconcile_total\{result="success"\} \d+/m);
    expect(metrics).toMatch(/^leader_election_master_status\{name="fraiseql-auth-operator"\} 1/m);
    expect(metrics).toMatch(/^rest_client_requests_total\{verb="create",code="201"\} \d+/m);
    for (const name of [
      'fraiseql_auth_operator_reconcile_duration_seconds_count',
      'workqueue_depth{name="fraiseqlauth"}',
      'workqueue_queue_duration_seconds_count{name="fraiseqlauth"}',
      'rest_client_request_duration_seconds_count{verb="create"}',
      'nodejs_eventloop_lag_p99_seconds',
      'kube_events_total{outcome="written"}',
      'fraiseql_auth_operator_last_successful_sync_timestamp_seconds',
    ]) {
      expect(metrics).toMatch(new RegExp(`^${name.replaceAll(/[{}]/g, '\\$&')} [0-9.e+-]+$`, 'm'));
    }
    const synced = new RegExp(
      `^fraiseql_auth_operator_resource_last_sync_timestamp_seconds\\{namespace="${namespace}",name="auth"\\} (\\S+)$`,
      'm',
    );
    expect(Math.abs(Number(synced.exec(metrics)?.[1]) - Date.now() / 1000)).toBeLessThan(60);

    const asked = performance.now();
    one.process.kill('SIGTERM');
    const [code] = await once(one.process, 'exit');
    expect(`${code}`).toBe('0');
    expect(performance.now() - asked).toBeLessThan(10_000);
    await eventually(async () => (await lease())?.spec.holderIdentity === 'two');
    await harness.admin.delete(RESOURCES.Service, {namespace, name: 'auth'});
    await eventually(async () => (await see.get(RESOURCES.Service, 'auth')) !== undefined && true);
    // Nothing is said any more of one that is gone.
    await eventually(async () => synced.test(await two.metrics()));
    await harness.admin.delete(FRAISEQLAUTH, {namespace, name: 'auth'}, {propagationPolicy: 'Background'});
    await eventually(async () => !synced.test(await two.metrics()));
    two.process.kill('SIGTERM');
    expect((await once(two.process, 'exit'))[0]).toBe(0);
    expect(one.output() + two.output()).not.toContain('postgres://');
  });

  test('ends within seconds also when the API server says nothing', async () => {
    const one = await program({POD_NAME: 'three'});
    await eventually(async () => (await lease())?.spec.holderIdentity === 'three');
    harness.server.freeze();
    try {
      const asked = performance.now();
      one.process.kill('SIGTERM');
      await once(one.process, 'exit');
      expect(performance.now() - asked).toBeLessThan(12_000);
    } finally {
      harness.server.thaw();
    }
  });

  test('a wrong environment is one message with all that is wrong', async () => {
    const wrong = await program({
      OPERATOR_IMAGE: '',
      WATCH_NAMESPACE: 'Über',
      METRICS_PORT: 'x',
      LEADER_ELECT: 'maybe',
    });
    expect((await once(wrong.process, 'exit'))[0]).toBe(2);
    for (const name of ['OPERATOR_IMAGE', 'WATCH_NAMESPACE', 'METRICS_PORT', 'LEADER_ELECT']) {
      expect(wrong.output()).toContain(name);
    }
  });
});
