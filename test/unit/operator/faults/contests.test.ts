import {expect, test} from 'vitest';
import {RESOURCES, type ResourceType} from '../../../../src/kube/objects.ts';
import {DEVELOPMENT} from '../../../support/simulation/scenarios.ts';
import {Simulation} from '../../../support/simulation/simulation.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/** A resource that is ready, and another program that does something to a child of it 50 ms after each write. */
async function contested(seed: number, type: ResourceType, rival: (simulation: Simulation) => void) {
  const simulation = new Simulation(seed);
  const operator = simulation.start();
  await simulation.time.run(MINUTE, () => operator.leading);
  simulation.spec(DEVELOPMENT);
  expect(await simulation.settle()).toBe(true);
  let acts = true;
  const act = (): void => {
    simulation.time.after(50, () => {
      if (acts) rival(simulation);
    });
  };
  let seen = simulation.writes.length;
  const repairs = (): number => {
    const since = simulation.writes.slice(seen);
    seen = simulation.writes.length;
    return since.filter(({kind}) => kind === type.kind).length;
  };
  operator.client.afterWrite = act;
  rival(simulation);
  return {
    simulation,
    repairs,
    ready: () => simulation.resource?.status?.conditions?.find((each) => each.type === 'Ready'),
    givesUp: () => {
      acts = false;
      operator.client.afterWrite = () => undefined;
    },
  };
}

const edit = (simulation: Simulation): void =>
  simulation.edit(RESOURCES.Service, 'auth', {spec: {selector: {'app.kubernetes.io/name': 'other'}}});
const remove = (simulation: Simulation): void => simulation.delete(RESOURCES.Service, 'auth');

test.each([
  ['changes', edit, /somebody changes it each time/],
  ['deletes', remove, /somebody deletes it each time/],
] as const)(
  'a program that %s a child each time is not fought at full speed, and named',
  async (_, rival, says) => {
    const {simulation, ready, repairs, givesUp} = await contested(1, RESOURCES.Service, rival);
    await simulation.time.run(MINUTE);
    expect(repairs()).toBeGreaterThanOrEqual(120);
    expect(ready()).toMatchObject({status: 'False', reason: 'ChildContested'});
    expect(ready()?.message).toMatch(says);
    const blocked = simulation.resource?.status?.blockedOn;
    expect(blocked).toMatchObject([{reason: 'ChildContested', objectRef: {kind: 'Service', name: 'auth'}}]);
    const told = simulation.api.log.length;
    await simulation.time.run(HOUR);
    // Once in a quarter of a minute, and the status says so all the while without being written again.
    expect(repairs()).toBeLessThanOrEqual(242);
    expect(ready()?.reason).toBe('ChildContested');
    const statuses = simulation.api.log.slice(told).filter(({plural}) => plural === 'fraiseqlauths');
    expect(statuses).toHaveLength(0);
    givesUp();
    expect(await simulation.settle(5 * MINUTE)).toBe(true);
    rival(simulation);
    await simulation.time.run(3000);
    // At once, as before.
    expect(repairs()).toBeGreaterThan(0);
    simulation.stopAll();
  },
);

test('a program that deletes a Secret of our own each time does not get new keys at full speed either', async () => {
  const {simulation, repairs} = await contested(3, RESOURCES.Secret, (world) =>
    world.delete(RESOURCES.Secret, 'auth-state'),
  );
  await simulation.time.run(5 * MINUTE);
  expect(repairs()).toBeGreaterThanOrEqual(120);
  expect(simulation.resource?.status?.blockedOn).toContainEqual(
    expect.objectContaining({
      reason: 'ChildContested',
      objectRef: expect.objectContaining({kind: 'Secret', name: 'auth-state'}),
    }),
  );
  await simulation.time.run(HOUR / 2);
  expect(repairs()).toBeLessThanOrEqual(122);
  simulation.stopAll();
});

test('what a person edits now and then is put right at once, however often', async () => {
  const {simulation, givesUp, repairs} = await contested(2, RESOURCES.Service, edit);
  givesUp();
  expect(await simulation.settle()).toBe(true);
  repairs();
  for (let round = 0; round < 60; round++) {
    edit(simulation);
    await simulation.time.run(3000);
    expect(repairs()).toBe(1);
    await simulation.time.run(MINUTE);
  }
  expect(simulation.isReady()).toBe(true);
  simulation.stopAll();
});
