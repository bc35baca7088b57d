import {expect, test} from 'vitest';
import {FRAISEQLAUTH} from '../../../../src/api/v1alpha1/group-version.ts';
import {APPROVE} from '../../../../src/operator/plan/approval.ts';
import {DEVELOPMENT} from '../../../support/simulation/scenarios.ts';
import {Simulation} from '../../../support/simulation/simulation.ts';

test('a migration that was let through with the creation is tried again without another word', async () => {
  const simulation = new Simulation(1);
  const operator = simulation.start();
  await simulation.time.run(60_000, () => operator.leading);
  simulation.secret('auth-db', {'database-url': 'postgres://app:wrong@db/auth'});
  simulation.spec({...DEVELOPMENT, management: 'Plan'});
  const plan = (): string | undefined => simulation.resource?.status?.plan?.hash;
  expect(await simulation.time.run(60_000, () => plan() !== undefined)).toBe(true);
  simulation.edit(FRAISEQLAUTH, 'auth', {metadata: {annotations: {[APPROVE]: plan()}}});
  await simulation.time.run(2 * 60_000);
  const tries = simulation.api.writes.filter(({kind, verb}) => kind === 'Job' && verb === 'create');
  expect(tries.length).toBeGreaterThan(2);
  simulation.stopAll();
});
