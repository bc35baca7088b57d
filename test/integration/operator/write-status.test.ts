import {afterAll, beforeAll, expect, test} from 'vitest';
import {FRAISEQLAUTH} from '../../../src/api/v1alpha1/group-version.ts';
import {Overlay} from '../../../src/operator/observe/overlay.ts';
import {writeStatus} from '../../../src/operator/reconcile/write-status.ts';
import {systemClock} from '../../../src/support/clock.ts';
import {createLogger} from '../../../src/support/logging.ts';
import {fraiseqlauth, startHarness, type Harness} from './harness.ts';

let harness: Harness;
beforeAll(async () => {
  harness = await startHarness();
});
afterAll(() => harness.stop());

test('a status is written to that very resource, and to none that came in its place', async () => {
  const namespace = await harness.namespace();
  const resource = await harness.admin.create(FRAISEQLAUTH, fraiseqlauth(namespace, {}, 'liquid'));
  const context = {
    cluster: harness.admin,
    overlay: new Overlay(systemClock),
    events: {record: () => undefined},
    logger: createLogger({component: 'operator', level: 'silent'}),
    signal: new AbortController().signal,
  };
  const status = {observedGeneration: 7};
  const before = {...resource, metadata: {...resource.metadata, uid: '7a3c1b1e-0000-4000-8000-000000000000'}};
  expect(await writeStatus({...context, resource: before}, status)).toBe(false);
  const stored = () => harness.admin.get<typeof resource>(FRAISEQLAUTH, {namespace, name: 'liquid'});
  expect((await stored())?.status).toBeUndefined();
  await writeStatus({...context, resource}, status);
  expect((await stored())?.status?.observedGeneration).toBe(7);
  await harness.admin.delete(FRAISEQLAUTH, {namespace, name: 'liquid'});
  expect(await writeStatus({...context, resource}, status)).toBe(false);
});
