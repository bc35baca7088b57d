import * as fc from 'fast-check';
import {afterAll, beforeAll, expect, test} from 'vitest';
import {checkSchema} from '../../../src/api/v1alpha1/check.ts';
import {FRAISEQLAUTH} from '../../../src/api/v1alpha1/group-version.ts';
import {ApiError} from '../../../src/kube/client.ts';
import type {KubeObject} from '../../../src/kube/objects.ts';
import type {ApiServer} from '../../support/apiserver.ts';
import {createNamespace} from '../../support/fraiseqlauths.ts';
import {sharedApiServer} from '../../support/shared-apiserver.ts';
import {specArbitrary} from '../../fixtures/spec-arbitraries.ts';
import {resource} from '../../fixtures/specs.ts';

const NAMESPACE = 'test-agreement';
let api: ApiServer;

beforeAll(async () => {
  api = await sharedApiServer();
  await createNamespace(api.admin, NAMESPACE);
});
afterAll(() => api.stop());

test('the API server and the reconciler refuse the same specs', async () => {
  let [count, accepted] = [0, 0];
  await fc.assert(
    fc.asyncProperty(specArbitrary, async (spec) => {
      count += 1;
      const object = resource(spec, `case-${count}`, NAMESPACE);
      const ours = checkSchema(object);
      const theirs = await refusal(object);
      if (theirs === undefined) accepted += 1;
      expect({refused: theirs !== undefined, theirs, ours}).toMatchObject({refused: ours.length > 0});
    }),
    {numRuns: 500, endOnFailure: false},
  );
  // Neither side of the property is empty; which specs come up is chance.
  expect(accepted).toBeGreaterThan(25);
  expect(count - accepted).toBeGreaterThan(60);
});

async function refusal(object: KubeObject): Promise<string | undefined> {
  try {
    await api.admin.create(FRAISEQLAUTH, object);
    return undefined;
  } catch (error) {
    if (error instanceof ApiError && error.status === 422) return error.message;
    throw error;
  }
}
