import {afterAll, beforeAll, expect, test} from 'vitest';
import {FRAISEQLAUTH} from '../../../src/api/v1alpha1/group-version.ts';
import {RESOURCES, type KubeObject} from '../../../src/kube/objects.ts';
import type {CronJob, Deployment} from '../../../src/operator/workloads.ts';
import {playControllers} from './controllers.ts';
import {dyingAt} from './dying.ts';
import {eventually, fraiseqlauth, type Observer, PRODUCTION, startHarness, type Harness} from './harness.ts';

let harness: Harness;
beforeAll(async () => {
  harness = await startHarness();
});
afterAll(() => harness.stop());

async function instance() {
  const {namespace, see, key} = await harness.prepare();
  const controllers = playControllers(see);
  await harness.admin.create(FRAISEQLAUTH, fraiseqlauth(namespace, PRODUCTION));
  return {
    namespace,
    see,
    controllers,
    change: (spec: Record<string, unknown>) => harness.admin.mergePatch(FRAISEQLAUTH, key, {spec}),
    /** As an autoscaler does. */
    scale: (replicas: number) =>
      harness.admin.mergePatch(RESOURCES.Deployment, key, {spec: {replicas}}, {fieldManager: 'autoscaler'}),
    replicas: async () => (await see.get<Deployment>(RESOURCES.Deployment, 'auth'))?.spec?.replicas,
    autoscaler: () => see.get<KubeObject>(RESOURCES.HorizontalPodAutoscaler, 'auth'),
    suspended: async () => (await see.get<CronJob>(RESOURCES.CronJob, 'auth-backup'))?.spec?.suspend,
  };
}

const readyIs = async (see: Observer, reason: string): Promise<boolean> =>
  (await see.condition('Ready')).reason === reason;

test('sleeps and wakes with the pods that its autoscaler had given it, which it then moves again', async () => {
  const it = await instance();
  const operator = await harness.operate({namespaces: [it.namespace]});
  await eventually(() => readyIs(it.see, 'Ready'));
  await it.scale(5);
  await it.change({runState: 'Hibernated'});
  await eventually(() => readyIs(it.see, 'Hibernated'));
  expect([await it.replicas(), await it.autoscaler(), await it.suspended()]).toEqual([0, undefined, true]);
  await it.change({runState: 'Running'});
  await eventually(() => readyIs(it.see, 'Ready'));
  await eventually(async () => (await it.suspended()) === false);
  expect(await it.replicas()).toBe(5);
  expect(await it.autoscaler()).toBeDefined();
  // What the autoscaler gives it stays, also when the spec changes.
  await it.scale(7);
  await it.change({tokens: {accessTTL: '30m'}});
  await eventually(async () => {
    const {status} = await it.see.resource();
    return status?.observedGeneration === 4 && (await readyIs(it.see, 'Ready'));
  });
  expect(await it.replicas()).toBe(7);
  await operator.stop();
  await it.controllers.stop();
});

test('is killed at every write of falling asleep, and of waking: it ends as it would have', async () => {
  const run = async (n: number, when: 'before' | 'after', waking: boolean): Promise<boolean> => {
    const it = await instance();
    const first = await harness.operate({namespaces: [it.namespace]});
    await eventually(() => readyIs(it.see, 'Ready'));
    await it.scale(4);
    if (waking) {
      await it.change({runState: 'Hibernated'});
      await eventually(() => readyIs(it.see, 'Hibernated'));
    }
    await first.stop();
    const {wrap, dead} = dyingAt(n, when);
    const second = await harness.operate({namespaces: [it.namespace], wrap});
    await it.change({runState: waking ? 'Running' : 'Hibernated'});
    const end = waking ? 'Ready' : 'Hibernated';
    await eventually(async () => dead() || readyIs(it.see, end));
    await second.stop();
    const third = await harness.operate({namespaces: [it.namespace]});
    await eventually(() => readyIs(it.see, end));
    await eventually(async () => (await it.suspended()) === !waking);
    expect(await it.replicas()).toBe(waking ? 4 : 0);
    expect((await it.autoscaler()) === undefined).toBe(!waking);
    await third.stop();
    await it.controllers.stop();
    return dead();
  };
  const places = [1, 2, 3].flatMap((n) => [
    run(n, 'before', false),
    run(n, 'after', false),
    run(n, 'after', true),
  ]);
  expect((await Promise.all(places)).filter(Boolean).length).toBeGreaterThanOrEqual(8);
});
