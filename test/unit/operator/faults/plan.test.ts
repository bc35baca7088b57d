import {expect, test} from 'vitest';
import type {Deployment} from '../../../../src/operator/workloads.ts';
import {RESOURCES} from '../../../../src/kube/objects.ts';
import {FRAISEQLAUTH} from '../../../../src/api/v1alpha1/group-version.ts';
import {APPROVE} from '../../../../src/operator/plan/approval.ts';
import {DEVELOPMENT} from '../../../support/simulation/scenarios.ts';
import {Simulation} from '../../../support/simulation/simulation.ts';

const MINUTE = 60_000;

test('a migration that was let through with the creation is tried again without another word', async () => {
  const simulation = new Simulation(1);
  const operator = simulation.start();
  await simulation.time.run(MINUTE, () => operator.leading);
  simulation.secret('auth-db', {'database-url': 'postgres://app:wrong@db/auth'});
  simulation.spec({...DEVELOPMENT, management: 'Plan'});
  const plan = (): string | undefined => simulation.resource?.status?.plan?.hash;
  expect(await simulation.time.run(MINUTE, () => plan() !== undefined)).toBe(true);
  simulation.edit(FRAISEQLAUTH, 'auth', {metadata: {annotations: {[APPROVE]: plan()}}});
  await simulation.time.run(2 * MINUTE);
  const tries = simulation.api.writes.filter(({kind, verb}) => kind === 'Job' && verb === 'create');
  expect(tries.length).toBeGreaterThan(2);
  simulation.stopAll();
});

test.each([
  ['a fixed number of pods', {replicas: 2}, 5, 2],
  ['pods that are autoscaled', {autoscaling: {minReplicas: 2, maxReplicas: 4}}, 0, 2],
])('what was let through is so once, also while a Secret is missing: %s', async (_, spec, edited, right) => {
  const simulation = new Simulation(1);
  const operator = simulation.start();
  await simulation.time.run(MINUTE, () => operator.leading);
  const {replicas: _replicas, ...base} = DEVELOPMENT;
  simulation.spec({...base, ...spec});
  expect(await simulation.settle()).toBe(true);
  simulation.spec({...base, ...spec, management: 'Plan'});
  expect(await simulation.settle()).toBe(true);
  simulation.delete(RESOURCES.Secret, 'keycloak-client');
  const live = (): Deployment | undefined =>
    simulation.api.get(RESOURCES.Deployment, {namespace: 'prod', name: 'auth'});
  const plan = () => simulation.resource?.status?.plan;
  const scale = async (): Promise<void> => {
    simulation.edit(RESOURCES.Deployment, 'auth', {spec: {replicas: edited}});
    await simulation.time.run(MINUTE);
    expect(live()?.spec?.replicas).toBe(edited);
  };
  await scale();
  const {hash} = plan() ?? {};
  simulation.edit(FRAISEQLAUTH, 'auth', {metadata: {annotations: {[APPROVE]: hash}}});
  await simulation.time.run(2 * MINUTE);
  expect(live()?.spec?.replicas).toBe(right);
  expect(plan()).toEqual({approved: {hash}});
  await scale();
  expect(plan()?.hash).not.toBe(hash);
  simulation.stopAll();
});

test('a service is woken, and changed, by one approval', async () => {
  const simulation = new Simulation(1);
  const operator = simulation.start();
  await simulation.time.run(MINUTE, () => operator.leading);
  simulation.spec(DEVELOPMENT);
  expect(await simulation.settle()).toBe(true);
  const plan = () => simulation.resource?.status?.plan;
  const approved = async (spec: Record<string, unknown>): Promise<void> => {
    const {hash: before} = plan() ?? {};
    simulation.spec({...DEVELOPMENT, ...spec, management: 'Plan'});
    expect(await simulation.time.run(MINUTE, () => ![undefined, before].includes(plan()?.hash))).toBe(true);
    simulation.edit(FRAISEQLAUTH, 'auth', {metadata: {annotations: {[APPROVE]: plan()?.hash}}});
    await simulation.time.run(5 * MINUTE);
    expect(plan()).toEqual({approved: {hash: expect.any(String)}});
  };
  const live = (): Deployment | undefined =>
    simulation.api.get(RESOURCES.Deployment, {namespace: 'prod', name: 'auth'});
  await approved({runState: 'Hibernated'});
  expect(live()?.spec?.replicas).toBe(0);
  await approved({pod: {labels: {team: 'login'}}});
  expect(live()?.spec?.replicas).toBe(1);
  expect(live()?.spec?.template?.metadata?.labels).toMatchObject({team: 'login'});
  expect(live()?.metadata.annotations).not.toHaveProperty('auth.fraiseql.dev/replicas-before-hibernation');
  expect(simulation.resource?.status?.conditions?.find(({type}) => type === 'Ready')?.reason).toBe('Ready');
  simulation.stopAll();
});
