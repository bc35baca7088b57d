import {expect, test} from 'vitest';
import {FRAISEQLAUTH} from '../../../../src/api/v1alpha1/group-version.ts';
import {DEVELOPMENT} from '../../../support/simulation/scenarios.ts';
import {Simulation} from '../../../support/simulation/simulation.ts';

test('the resources are counted as they are whenever they are asked for, and by the one who leads', async () => {
  const simulation = new Simulation(1);
  const operator = simulation.start();
  await simulation.time.run(60_000, () => operator.leading);
  const other = simulation.start();
  const counts = async ({metrics}: typeof operator): Promise<string[]> => {
    const text = await metrics.registry.metrics();
    return text.split('\n').filter((line) => line.startsWith('fraiseql_auth_operator_resources{'));
  };
  const [ready, unready] = ['{ready="true"}', '{ready="false"}'].map(
    (labels) => `fraiseql_auth_operator_resources${labels}`,
  );
  expect(await counts(operator)).toEqual([`${ready} 0`, `${unready} 0`]);
  simulation.spec(DEVELOPMENT);
  await simulation.time.run(200);
  expect(await counts(operator)).toEqual([`${ready} 0`, `${unready} 1`]);
  await simulation.time.run(60_000, () => simulation.isReady());
  await simulation.time.run(1000);
  expect(await counts(operator)).toEqual([`${ready} 1`, `${unready} 0`]);
  expect(await counts(other)).toEqual([]);
  simulation.delete(FRAISEQLAUTH, 'auth');
  await simulation.time.run(1000);
  expect(await counts(operator)).toEqual([`${ready} 0`, `${unready} 0`]);
  simulation.stopAll();
});
