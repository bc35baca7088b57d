import {expect, test} from 'vitest';
import {podDisruptionBudget} from '../../../src/operator/desired/pod-disruption-budget.ts';
import {instance} from '../../fixtures/desired.ts';
import {developmentSpec, productionSpec} from '../../fixtures/specs.ts';

test('a disruption budget would block a single pod for ever', () => {
  expect(podDisruptionBudget(instance(developmentSpec()))).toBeUndefined();
  expect(podDisruptionBudget(instance(developmentSpec({autoscaling: {minReplicas: 1}})))).toBeUndefined();
  expect(podDisruptionBudget(instance(productionSpec()))?.['spec']).toMatchObject({maxUnavailable: 1});
});
