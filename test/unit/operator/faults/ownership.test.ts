import {expect, test} from 'vitest';
import {freshKey} from '../../../support/simulation/keys.ts';
import {FRAISEQLAUTH} from '../../../../src/api/v1alpha1/group-version.ts';
import {RESOURCES, type KubeObject, type ResourceType} from '../../../../src/kube/objects.ts';
import {labels} from '../../../../src/operator/desired/children.ts';
import {DEVELOPMENT} from '../../../support/simulation/scenarios.ts';
import {Simulation} from '../../../support/simulation/simulation.ts';

const MINUTE = 60_000;
const MANAGED_BY = 'app.kubernetes.io/managed-by';

async function settled(seed: number): Promise<Simulation> {
  const simulation = new Simulation(seed);
  simulation.mintKey = freshKey;
  const operator = simulation.start();
  await simulation.time.run(MINUTE, () => operator.leading);
  simulation.spec(DEVELOPMENT);
  expect(await simulation.settle()).toBe(true);
  return simulation;
}

const byName = (simulation: Simulation, type: ResourceType, name: string): KubeObject | undefined =>
  simulation.api.get(type, {namespace: 'prod', name});
const keysOf = (simulation: Simulation): unknown =>
  byName(simulation, RESOURCES.Secret, 'auth-signing-keys')?.['data'];

test.each<[string, Record<string, unknown>, visible?: true]>([
  ['the label by which it is watched', {labels: {[MANAGED_BY]: null}}],
  ['the label that says whose it is', {labels: {'app.kubernetes.io/instance': 'other'}}],
  ['a label that nobody reads', {labels: {'app.kubernetes.io/part-of': null}}, true],
  ['all labels but that of the manager', {labels: {...nothing(), [MANAGED_BY]: 'fraiseql-auth-operator'}}],
  ['its owner', {ownerReferences: []}],
])('%s: a Secret or a Job that loses it has it back, once and for all', async (_, metadata, visible) => {
  const simulation = await settled(1);
  const {leader} = simulation;
  const job = simulation.api.list('jobs')[0]?.metadata.name ?? '';
  const objects = [
    [RESOURCES.Secret, 'auth-signing-keys'],
    [RESOURCES.Secret, 'auth-state'],
    [RESOURCES.Job, job],
  ] as const;
  for (const [type, name] of objects) {
    const before = byName(simulation, type, name);
    let calls = 0;
    if (leader) leader.client.line.instead = () => void calls++;
    simulation.edit(type, name, {metadata});
    await simulation.time.run(5 * MINUTE);
    const after = byName(simulation, type, name);
    const marks = (object: KubeObject | undefined) => [
      object?.metadata.labels,
      object?.metadata.ownerReferences,
      Object.keys(object?.['data'] ?? {}),
    ];
    // A Job that has done its work is not missed where no watch shows whose it is.
    const missed = type === RESOURCES.Secret || visible === true;
    expect(missed ? marks(after) : []).toEqual(missed ? marks(before) : []);
    // Renewals of the lease, watches that end, and a few more.
    expect(calls).toBeLessThan(400);
  }
  expect(simulation.isReady()).toBe(true);
  simulation.stopAll();
});

function nothing(): Record<string, null> {
  return Object.fromEntries(Object.keys(labels({name: 'auth'}, 'server')).map((name) => [name, null]));
}

test('a resource that was deleted without its children, and is made anew, has them all, and the same keys', async () => {
  const simulation = await settled(2);
  const keys = keysOf(simulation);
  // As kubectl delete --cascade=orphan, or a backup that was restored.
  for (const each of simulation.children()) {
    const type = Object.values(RESOURCES).find(({kind}) => kind === each.kind);
    if (type) simulation.edit(type, each.metadata.name, {metadata: {ownerReferences: []}});
  }
  simulation.delete(FRAISEQLAUTH, 'auth');
  await simulation.time.run(MINUTE);
  simulation.spec(DEVELOPMENT);
  expect(await simulation.settle(2 * MINUTE)).toBe(true);
  expect(keysOf(simulation)).toEqual(keys);
  const {uid} = simulation.resource?.metadata ?? {};
  for (const name of ['auth-signing-keys', 'auth-state'])
    expect(byName(simulation, RESOURCES.Secret, name)?.metadata.ownerReferences?.[0]?.uid).toBe(uid);
  simulation.stopAll();
});

test('a Secret of that name that is not ours is left alone, and nobody is told to delete it', async () => {
  const simulation = new Simulation(3);
  simulation.mintKey = freshKey;
  const operator = simulation.start();
  await simulation.time.run(MINUTE, () => operator.leading);
  simulation.secret('auth-signing-keys', {other: 'x'});
  const keys = keysOf(simulation);
  simulation.spec(DEVELOPMENT);
  await simulation.time.run(MINUTE);
  const ready = simulation.resource?.status?.conditions?.find(({type}) => type === 'Ready');
  expect(ready?.reason).toBe('ObjectNotOurs');
  expect(ready?.message).toContain('do not delete it');
  expect(ready?.message).toContain(`kubectl label secret auth-signing-keys -n prod ${MANAGED_BY}=`);
  expect(keysOf(simulation)).toEqual(keys);
  simulation.stopAll();
});
