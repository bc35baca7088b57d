import {expect, test} from 'vitest';
import {liveness} from '../../../../src/operator/liveness.ts';
import {DEVELOPMENT} from '../../../support/simulation/scenarios.ts';
import {Simulation} from '../../../support/simulation/simulation.ts';

const MINUTE = 60_000;

function lost(simulation: Simulation): Promise<string> {
  return simulation.leader?.metrics.registry.metrics() ?? Promise.resolve('');
}

test('a namespace that is lost holds nobody up, not even a process that never saw it', async () => {
  const simulation = new Simulation(1);
  simulation.namespaces = ['prod', 'gone'];
  const first = simulation.start();
  await simulation.time.run(MINUTE, () => first.leading);
  simulation.spec(DEVELOPMENT);
  expect(await simulation.settle()).toBe(true);
  // A team deletes its namespace, and the RoleBinding in it.
  simulation.forbidden = new Set(['gone']);
  first.client.cut();
  await simulation.time.run(30 * MINUTE);
  expect(liveness(first.manager.silentMs())).toBeUndefined();
  expect(await lost(simulation)).toContain('namespace_blocked{namespace="gone"} 1');
  simulation.spec({...DEVELOPMENT, replicas: 2});
  expect(await simulation.settle()).toBe(true);

  first.kill();
  const second = simulation.start();
  await simulation.time.run(MINUTE, () => second.leading);
  expect(await simulation.time.run(MINUTE, () => second.manager.hasSynced())).toBe(true);
  simulation.spec({...DEVELOPMENT, replicas: 3});
  expect(await simulation.settle()).toBe(true);
  await simulation.time.run(30 * MINUTE);
  expect(liveness(second.manager.silentMs())).toBeUndefined();
  simulation.stopAll();
});

test('nothing is done in a namespace that may not be seen, and all of it when it may be again', async () => {
  const simulation = new Simulation(2);
  simulation.namespaces = ['prod', 'gone'];
  simulation.forbidden = new Set(['prod']);
  const {manager} = simulation.start();
  simulation.spec(DEVELOPMENT);
  await simulation.time.run(30 * MINUTE);
  expect(simulation.writes).toEqual([]);
  expect(liveness(manager.silentMs())).toBeUndefined();
  expect(await lost(simulation)).toContain('namespace_blocked{namespace="prod"} 1');
  simulation.forbidden = new Set();
  expect(await simulation.settle(2 * MINUTE)).toBe(true);
  expect(await lost(simulation)).toContain('namespace_blocked{namespace="prod"} 0');
  // Taken away and given back under way, with a change in between that no watch tells of.
  simulation.forbidden = new Set(['prod']);
  simulation.leader?.client.cut();
  await simulation.time.run(MINUTE);
  simulation.spec({...DEVELOPMENT, replicas: 2});
  simulation.forbidden = new Set();
  expect(await simulation.settle(2 * MINUTE)).toBe(true);
  simulation.stopAll();
});

test('told to end before its watches have seen everything, it ends; and so it does when it loses the lease', async () => {
  for (const how of ['end', 'lose'] as const) {
    const simulation = new Simulation(4);
    simulation.namespaces = ['prod'];
    simulation.forbidden = new Set(['prod']);
    const operator = simulation.start();
    expect(await simulation.time.run(MINUTE, () => operator.leading)).toBe(true);
    if (how === 'end') operator.end();
    else operator.client.line.leaseBlocked = true;
    expect(await simulation.time.run(20_000, () => operator.ended)).toBe(true);
    simulation.stopAll();
  }
});
