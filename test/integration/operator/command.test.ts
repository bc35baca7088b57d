import {spawn, type ChildProcess} from 'node:child_process';
import {once} from 'node:events';
import {resolve} from 'node:path';
import {afterAll, beforeAll, describe, expect, test} from 'vitest';
import {FRAISEQLAUTH} from '../../../src/api/v1alpha1/groupVersion.ts';
import type {Lease} from '../../../src/kube/lease.ts';
import {RESOURCES} from '../../../src/kube/objects.ts';
import {freePort} from '../../support/ports.ts';
import {
  createSecrets,
  eventually,
  fraiseqlauth,
  IMAGE,
  Observer,
  startHarness,
  type Harness,
} from './harness.ts';

const MAIN = resolve(import.meta.dirname, '../../../src/main.ts');

let harness: Harness;
beforeAll(async () => {
  harness = await startHarness();
});
afterAll(() => harness.stop());

interface Program {
  readonly process: ChildProcess;
  readonly output: () => string;
  readonly health: number;
  readonly metrics: number;
}

async function program(env: Record<string, string> = {}): Promise<Program> {
  const health = await freePort();
  const metrics = await freePort();
  const child = spawn(process.execPath, [MAIN, 'operator'], {
    env: {
      PATH: process.env['PATH'],
      KUBECONFIG: harness.server.kubeconfigPath,
      OPERATOR_IMAGE: IMAGE,
      POD_NAMESPACE: 'default',
      HEALTH_PORT: String(health),
      METRICS_PORT: String(metrics),
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  child.stdout?.on('data', (data: Buffer) => (output += data.toString()));
  child.stderr?.on('data', (data: Buffer) => (output += data.toString()));
  return {process: child, output: () => output, health, metrics};
}

const get = async (port: number, path: string): Promise<string> => {
  const answer = await fetch(`http://127.0.0.1:${port}${path}`);
  if (!answer.ok) throw new Error(`${answer.status} ${await answer.text()}`);
  return answer.text();
};

const lease = async (): Promise<Lease | undefined> =>
  harness.admin.get<Lease>(RESOURCES.Lease, {namespace: 'default', name: 'fraiseql-auth-operator'});

describe('fraiseql-auth operator', () => {
  test('leads, works, shows how it is, and ends within seconds when it is told to', async () => {
    const namespace = await harness.namespace();
    const see = new Observer(harness.admin, namespace);
    await createSecrets(harness.admin, namespace);
    const one = await program({POD_NAME: 'one', WATCH_NAMESPACE: namespace});
    await eventually(() => get(one.health, '/readyz'), 30_000);
    expect(await get(one.health, '/healthz')).toBe('ok\n');
    await eventually(async () => (await lease())?.spec.holderIdentity === 'one');

    const two = await program({POD_NAME: 'two', WATCH_NAMESPACE: namespace});
    await eventually(() => get(two.health, '/readyz'), 30_000);
    await harness.admin.create(FRAISEQLAUTH, fraiseqlauth(namespace));
    await see.becomeReady();
    const metrics = await get(one.metrics, '/metrics');
    expect(metrics).toMatch(/^fraiseql_auth_operator_reconcile_total\{result="success"\} \d+/m);
    expect(metrics).toMatch(/^leader_election_master_status\{name="fraiseql-auth-operator"\} 1/m);
    expect(metrics).toMatch(/^rest_client_requests_total\{verb="create",code="201"\} \d+/m);
    expect(metrics).toContain('workqueue_depth');
    expect(metrics).toContain('fraiseql_auth_operator_last_successful_sync_timestamp_seconds');

    const asked = performance.now();
    one.process.kill('SIGTERM');
    const [code] = await once(one.process, 'exit');
    expect(`${code}`).toBe('0');
    expect(performance.now() - asked).toBeLessThan(3000);
    await eventually(async () => (await lease())?.spec.holderIdentity === 'two', 4000);
    await harness.admin.delete(RESOURCES.Service, {namespace, name: 'auth'});
    await eventually(async () => (await see.get(RESOURCES.Service, 'auth')) !== undefined && true);
    two.process.kill('SIGTERM');
    expect((await once(two.process, 'exit'))[0]).toBe(0);
    expect(one.output() + two.output()).not.toContain('postgres://');
  });

  test('ends within seconds also when the API server says nothing', async () => {
    const one = await program({POD_NAME: 'three'});
    await eventually(async () => (await lease())?.spec.holderIdentity === 'three', 20_000);
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
