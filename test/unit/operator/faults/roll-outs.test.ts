import {expect, test} from 'vitest';
import {FRAISEQLAUTH} from '../../../../src/api/v1alpha1/group-version.ts';
import {RESOURCES} from '../../../../src/kube/objects.ts';
import {APPROVE} from '../../../../src/operator/plan/approval.ts';
import type {Deployment, Pod} from '../../../../src/operator/workloads.ts';
import {developmentSpec} from '../../../fixtures/specs.ts';
import {IMAGES, isUp} from '../../../support/simulation/pods.ts';
import {simulated} from './play.ts';
import type {Simulation} from '../../../support/simulation/simulation.ts';

const MINUTE = 60_000;
const SPEC = developmentSpec({replicas: 2, rollout: {progressDeadline: '1m'}});
const MOVED = {...SPEC, database: {urlSecretRef: {name: 'moved-db', key: 'database-url'}}};

async function begin(simulation: Simulation): Promise<void> {
  const operator = simulation.start();
  await simulation.time.run(MINUTE, () => operator.leading);
  simulation.spec(SPEC);
  expect(await simulation.settle()).toBe(true);
}

/** The database is another, and its first new pods are on their way. */
async function move(simulation: Simulation): Promise<void> {
  simulation.secret('moved-db', {'database-url': 'postgres://app:secret@moved/auth'});
  simulation.spec(MOVED);
  await simulation.time.run(10 * MINUTE, () =>
    JSON.stringify(deploymentOf(simulation)?.spec?.template).includes('moved-db'),
  );
}

function deploymentOf(simulation: Simulation): Deployment | undefined {
  return simulation.api.get(RESOURCES.Deployment, {namespace: 'prod', name: 'auth'});
}

const imageOf = (simulation: Simulation): string | undefined =>
  deploymentOf(simulation)?.spec?.template?.spec?.containers?.[0]?.image;

/** The pods that serve. */
function serving(simulation: Simulation): Pod[] {
  const pods: Pod[] = simulation.api.list('pods');
  return pods.filter((pod) => pod.metadata.labels?.['app.kubernetes.io/component'] === 'server' && isUp(pod));
}

const databasesOf = (pods: readonly Pod[]): (string | undefined)[] =>
  pods.map(({spec}) => (spec?.volumes ?? []).find(({name}) => name === 'database')?.secret?.secretName);

test('pods that came to another database without an operator stay there, whatever becomes of the next change', () =>
  simulated(1, async (simulation) => {
    await begin(simulation);
    await move(simulation);
    for (const operator of simulation.living) operator.kill();
    await simulation.time.run(5 * MINUTE);
    expect(databasesOf(serving(simulation))).toEqual(['moved-db', 'moved-db']);
    simulation.spec({...MOVED, image: IMAGES.refusing});
    simulation.start();
    await simulation.time.run(5 * MINUTE);
    expect(databasesOf(serving(simulation))).toEqual(['moved-db', 'moved-db']);
  }));

test('a roll-out comes to its end though the spec asks for more meanwhile, which is refused', () =>
  simulated(2, async (simulation) => {
    await begin(simulation);
    await move(simulation);
    simulation.spec({...MOVED, image: IMAGES.refusing});
    await simulation.time.run(5 * MINUTE);
    expect(databasesOf(serving(simulation))).toEqual(['moved-db', 'moved-db']);
    simulation.spec({...MOVED, image: IMAGES.unready});
    await simulation.time.run(10 * MINUTE);
    expect(databasesOf(serving(simulation))).toEqual(['moved-db', 'moved-db']);
    expect(imageOf(simulation)).not.toBe(IMAGES.unready);
  }));

test('a service that was put to sleep in the midst of a bad roll-out serves when it is woken', () =>
  simulated(3, async (simulation) => {
    await begin(simulation);
    const bad = {...SPEC, image: IMAGES.unready};
    simulation.spec(bad);
    await simulation.time.run(10 * MINUTE, () => imageOf(simulation) === IMAGES.unready);
    await simulation.time.run(20_000);
    simulation.spec({...bad, runState: 'Hibernated'});
    await simulation.settle();
    expect(serving(simulation)).toEqual([]);
    simulation.spec(bad);
    await simulation.time.run(10 * MINUTE);
    expect(serving(simulation)).toHaveLength(2);
    await simulation.time.run(3 * 60 * MINUTE);
    expect(serving(simulation)).toHaveLength(2);
  }));

// Whether the cluster saw the pods of before first was a matter of chance.
test.each([7, 8, 10])(
  'a bad change that nobody checks, asked for in a sleep, leaves those that wake: %s',
  (seed) =>
    simulated(seed, async (simulation) => {
      const unchecked = {...SPEC, rollout: {progressDeadline: '1m', check: 'Never'}};
      await begin(simulation);
      simulation.spec({...unchecked, runState: 'Hibernated'});
      await simulation.settle();
      expect(serving(simulation)).toEqual([]);
      // Without a migration before it.
      simulation.spec({...unchecked, pod: {nodeSelector: {zone: 'mars'}}});
      for (const minutes of [1, 2, 3, 10]) {
        await simulation.time.run(minutes * MINUTE);
        expect(serving(simulation)).toHaveLength(2);
      }
      expect(simulation.says('RolledBack')).toBe(true);
    }),
);

test('pods that are ready for a few seconds, and then die, take the place of none that serves', () =>
  simulated(4, async (simulation) => {
    const {api, time} = simulation;
    await begin(simulation);
    const LEAKS = 'registry.test/leaks:2';
    api.onEntry(({plural, before, after}) => {
      if (plural !== 'pods' || after === undefined) return;
      const pod: Pod = after;
      if (pod.spec?.containers?.[0]?.image !== LEAKS || !isUp(pod)) return;
      if (before !== undefined && isUp(before)) return;
      time.after(5000, () => {
        if (api.get(RESOURCES.Pod, pod.metadata)?.metadata.uid !== pod.metadata.uid) return;
        const container = {
          name: 'server',
          restartCount: 3,
          ready: false,
          state: {waiting: {reason: 'CrashLoopBackOff'}},
          lastState: {terminated: {exitCode: 137, reason: 'OOMKilled'}},
        };
        const status = {conditions: [{type: 'Ready', status: 'False'}], containerStatuses: [container]};
        api.write('kubelet', {
          verb: 'merge',
          type: RESOURCES.Pod,
          key: pod.metadata,
          status: true,
          patch: {status},
        });
      });
    });
    const old = imageOf(simulation);
    simulation.spec({...SPEC, image: LEAKS});
    await time.run(10 * MINUTE, () => imageOf(simulation) === LEAKS);
    await time.run(30_000);
    expect(serving(simulation)).toHaveLength(2);
    await time.run(5 * MINUTE);
    expect(imageOf(simulation)).toBe(old);
    expect(serving(simulation)).toHaveLength(2);
  }));

test('a plan to go back is the same whatever its pods have to say, and tells nothing new while it waits', () =>
  simulated(5, async (simulation) => {
    const {time, api} = simulation;
    await begin(simulation);
    simulation.spec({...SPEC, image: IMAGES.unready, management: 'Plan'});
    const hash = (): string | undefined => simulation.resource?.status?.plan?.hash;
    await time.run(5 * MINUTE, () => hash() !== undefined);
    simulation.edit(FRAISEQLAUTH, 'auth', {metadata: {annotations: {[APPROVE]: hash()}}});
    await time.run(10 * MINUTE, () => imageOf(simulation) === IMAGES.unready);
    await time.run(3 * MINUTE);
    const first = hash();
    expect(first).toBeDefined();
    const reasons = simulation.resource?.status?.conditions?.map(({reason}) => reason);
    expect(reasons).not.toContain('RolledBack');
    const version = simulation.resource?.metadata.resourceVersion;
    await time.run(10 * MINUTE);
    expect(simulation.resource?.metadata.resourceVersion).toBe(version);

    const pods: Pod[] = api.list('pods');
    const bad = pods.find(({spec}) => spec?.containers?.[0]?.image === IMAGES.unready);
    if (bad === undefined) throw new Error('there is no pod of the new template');
    for (const message of ['this', 'that', 'something else']) {
      const state = {waiting: {reason: 'CrashLoopBackOff'}};
      const lastState = {terminated: {exitCode: 1, message}};
      const containerStatuses = [{name: 'server', restartCount: 1, ready: false, state, lastState}];
      const patch = {status: {containerStatuses}};
      api.write('kubelet', {verb: 'merge', type: RESOURCES.Pod, key: bad.metadata, status: true, patch});
      await time.run(MINUTE);
      expect(hash()).toBe(first);
    }
    simulation.edit(FRAISEQLAUTH, 'auth', {metadata: {annotations: {[APPROVE]: first}}});
    await time.run(MINUTE);
    expect(imageOf(simulation)).not.toBe(IMAGES.unready);
  }));
