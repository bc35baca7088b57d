import {afterAll, beforeAll, describe, expect, test} from 'vitest';
import {setTimeout as delay} from 'node:timers/promises';
import {FRAISEQLAUTH} from '../../../src/api/v1alpha1/group-version.ts';
import {RESOURCES} from '../../../src/kube/objects.ts';
import {eventually, fraiseqlauth, startHarness, type Harness} from './harness.ts';

let harness: Harness;
beforeAll(async () => {
  harness = await startHarness();
});
afterAll(() => harness.stop());

describe('a FraiseQLAuth is applied', () => {
  test('its children come in order, nothing rolls out before the migration, and when converged nothing is written', async () => {
    const {namespace, see} = await harness.prepare();
    const operator = await harness.operate({namespaces: [namespace]});
    const started = new Date();
    await harness.admin.create(FRAISEQLAUTH, fraiseqlauth(namespace));

    const job = await eventually(() => see.migrationJob());
    await eventually(async () => (await see.condition('Ready')).reason === 'Migrating' && true);
    expect(await see.get(RESOURCES.Deployment, 'auth')).toBeUndefined();
    await see.completeJob(job);
    await eventually(() => see.rollOut());
    await eventually(async () => (await see.condition('Ready')).status === 'True' && true);

    const creates = (await harness.writesSince(started)).filter((each) => each.startsWith('create'));
    expect(creates.map((each) => each.replace(/(config|migrate)-[0-9a-f]{8}/, '$1'))).toEqual([
      'create secrets/auth-signing-keys',
      'create secrets/auth-state',
      'create serviceaccounts/auth',
      'create configmaps/auth-config',
      'create jobs/auth-migrate',
      'create deployments/auth',
      'create services/auth',
    ]);

    const {status, metadata} = await see.resource();
    expect(status).toMatchObject({
      observedGeneration: metadata.generation,
      replicas: 1,
      readyReplicas: 1,
      selector: expect.stringContaining('app.kubernetes.io/instance=auth'),
      endpoints: {issuer: 'http://localhost:8000', jwks: 'http://localhost:8000/.well-known/jwks.json'},
      signingKeys: [{state: 'Signing'}],
    });
    expect(status?.blockedOn).toBeUndefined();
    for (const each of status?.conditions ?? []) expect(each.observedGeneration).toBe(metadata.generation);

    // Converged: no write, nor after a restart.
    await delay(300);
    const quiet = new Date();
    await delay(1500);
    expect(await harness.writesSince(quiet)).toEqual([]);
    await operator.stop();
    const again = await harness.operate({namespaces: [namespace]});
    await delay(1500);
    expect(await harness.writesSince(quiet)).toEqual([]);
    await again.stop();
  });
});
