import {expect, test} from 'vitest';
import {RESOURCES} from '../../../../src/kube/objects.ts';
import type {Deployment} from '../../../../src/operator/workloads.ts';
import {productionSpec} from '../../../fixtures/specs.ts';
import {Simulation} from '../../../support/simulation/simulation.ts';

// What a person does to a Deployment with kubectl, and nobody would notice.

const MINUTE = 60_000;
const KEY = {namespace: 'prod', name: 'auth'};

/** Three pods or more, as the autoscaler says, and all is well. */
async function autoscaled(seed: number) {
  const simulation = new Simulation(seed);
  const operator = simulation.start();
  await simulation.time.run(MINUTE, () => operator.leading);
  simulation.spec(productionSpec({tokens: {algorithm: 'ES256'}, backup: {policy: 'None'}}));
  expect(await simulation.settle()).toBe(true);
  const specOf = (): Deployment['spec'] => {
    const live: Deployment | undefined = simulation.api.get(RESOURCES.Deployment, KEY);
    return live?.spec;
  };
  return {simulation, specOf};
}

test('one that was scaled to zero comes back, and its autoscaler has the number again', async () => {
  const {simulation, specOf} = await autoscaled(2);
  simulation.edit(RESOURCES.Deployment, 'auth', {spec: {replicas: 0}});
  expect(await simulation.settle(5 * MINUTE)).toBe(true);
  expect(specOf()?.replicas).toBe(3);
  simulation.edit(RESOURCES.Deployment, 'auth', {spec: {replicas: 5}});
  await simulation.time.run(MINUTE);
  expect(specOf()?.replicas).toBe(5);
  simulation.stopAll();
});

test('another program that scales it to zero each time is not fought at full speed, and named', async () => {
  const {simulation} = await autoscaled(3);
  const scale = (): void => simulation.edit(RESOURCES.Deployment, 'auth', {spec: {replicas: 0}});
  const operator = simulation.leader;
  if (operator) operator.client.afterWrite = () => void simulation.time.after(50, scale);
  scale();
  await simulation.time.run(2 * MINUTE);
  const ready = simulation.resource?.status?.conditions?.find(({type}) => type === 'Ready');
  expect(ready).toMatchObject({status: 'False', reason: 'ChildContested'});
  const repairs = () => simulation.writes.filter(({kind}) => kind === 'Deployment').length;
  const before = repairs();
  await simulation.time.run(10 * MINUTE);
  expect(repairs() - before).toBeLessThanOrEqual(41);
  simulation.stopAll();
});

test('a Deployment that was paused goes on', async () => {
  const {simulation, specOf} = await autoscaled(1);
  simulation.edit(RESOURCES.Deployment, 'auth', {spec: {paused: true}});
  await simulation.time.run(5000);
  expect(specOf()).toMatchObject({paused: false});
  const written = simulation.writes.length;
  await simulation.time.run(10 * MINUTE);
  expect(simulation.writes).toHaveLength(written);
  simulation.stopAll();
});
