import {expect, test} from 'vitest';
import {liveness} from '../../../../src/operator/liveness.ts';
import {NO_FAULTS} from '../../../support/simulation/faults.ts';
import {DEVELOPMENT} from '../../../support/simulation/scenarios.ts';
import {Simulation} from '../../../support/simulation/simulation.ts';

const MINUTE = 60_000;

test('alive as long as the watches hear something, be it only bookmarks; not after ten minutes of silence', async () => {
  const simulation = new Simulation(1);
  const first = simulation.start();
  await simulation.time.run(MINUTE, () => first.leading);
  // The one that waits: the other ends with its lease.
  const {manager} = simulation.start();
  simulation.spec(DEVELOPMENT);
  expect(await simulation.settle()).toBe(true);
  await simulation.time.run(60 * MINUTE);
  expect(liveness(manager.silentMs())).toBeUndefined();
  simulation.outage(true);
  await simulation.time.run(9 * MINUTE);
  expect(liveness(manager.silentMs())).toBeUndefined();
  await simulation.time.run(2 * MINUTE);
  expect(liveness(manager.silentMs())).toMatch(/^a watch has been silent for [67]\d\d s$/);
  simulation.outage(false);
  // Long before the first bookmark, which comes after a minute: that the watches are open again is enough.
  await simulation.time.run(50_000);
  expect(liveness(manager.silentMs())).toBeUndefined();
  simulation.stopAll();
});

test('connections that stay open and say nothing are found out, and do not end it', async () => {
  const simulation = new Simulation(2);
  const {manager} = simulation.start();
  simulation.spec(DEVELOPMENT);
  expect(await simulation.settle()).toBe(true);
  simulation.faults = {...NO_FAULTS, halfOpen: 1};
  simulation.spec({...DEVELOPMENT, replicas: 2});
  await simulation.time.run(MINUTE);
  simulation.faults = NO_FAULTS;
  for (let minute = 0; minute < 20; minute++) {
    await simulation.time.run(MINUTE);
    expect(liveness(manager.silentMs())).toBeUndefined();
  }
  expect(simulation.isReady()).toBe(true);
  simulation.stopAll();
});
