import {afterAll, beforeAll, expect, test} from 'vitest';
import {FRAISEQLAUTH} from '../../../src/api/v1alpha1/group-version.ts';
import {KubeClient} from '../../../src/kube/client.ts';
import {RESOURCES, type KubeObject} from '../../../src/kube/objects.ts';
import {ClaimReader} from '../../../src/operator/observe/claim-reader.ts';
import {systemClock} from '../../../src/support/clock.ts';
import {createLogger} from '../../../src/support/logging.ts';
import {eventually, fraiseqlauth, startHarness, type Harness} from './harness.ts';

let harness: Harness;
beforeAll(async () => {
  harness = await startHarness();
});
afterAll(() => harness.stop());

const claim = (namespace: string): KubeObject => ({
  apiVersion: 'v1',
  kind: 'PersistentVolumeClaim',
  metadata: {name: 'backups', namespace},
  spec: {accessModes: ['ReadWriteOnce'], resources: {requests: {storage: '1Gi'}}},
});

test('a claim for backups that is missing is told of at once, and taken back soon after it has come', async () => {
  const {namespace, see} = await harness.prepare({operated: true});
  const backup = {destination: {pvc: {claimName: 'backups'}}};
  await harness.admin.create(FRAISEQLAUTH, fraiseqlauth(namespace, {backup}));
  await see.becomeReady();
  const {message} = await eventually(async () => {
    const condition = await see.condition('BackupHealthy');
    return condition.reason === 'ClaimNotFound' && condition;
  });
  expect(message).toContain(`PersistentVolumeClaim backups does not exist in namespace ${namespace}`);
  expect((await see.condition('Ready')).status).toBe('True');
  await harness.admin.create(RESOURCES.PersistentVolumeClaim, claim(namespace));
  // Nothing else happens: it looks again by itself.
  await eventually(async () => (await see.condition('BackupHealthy')).reason === 'WaitingForFirst');
});

test('who may not ask for claims says nothing of them', async () => {
  const namespace = await harness.namespace();
  await harness.admin.create(RESOURCES.PersistentVolumeClaim, claim(namespace));
  const stranger = await KubeClient.fromKubeconfig(await harness.server.kubeconfig('stranger'));
  const look = (client: KubeClient) =>
    new ClaimReader(client, systemClock, createLogger({component: 'test', level: 'silent'})).look(
      namespace,
      ['backups', 'others'],
      AbortSignal.timeout(10_000),
    );
  try {
    expect(await look(stranger)).toEqual(new Map());
    expect(await look(harness.admin)).toEqual(
      new Map([
        ['backups', true],
        ['others', false],
      ]),
    );
  } finally {
    await stranger.close();
  }
});
