import {setTimeout as delay} from 'node:timers/promises';
import {afterAll, beforeAll, describe, expect, test} from 'vitest';
import {FRAISEQLAUTH} from '../../../src/api/v1alpha1/group-version.ts';
import {RESOURCES, type KubeObject} from '../../../src/kube/objects.ts';
import type {Job} from '../../../src/operator/workloads.ts';
import {eventually, fraiseqlauth, PRODUCTION, startHarness, type Harness} from './harness.ts';

let harness: Harness;
beforeAll(async () => {
  harness = await startHarness();
});
afterAll(() => harness.stop());

/** An instance with backups, and Ready. */
async function inProduction() {
  const prepared = await harness.prepare({operated: true});
  await harness.admin.create(FRAISEQLAUTH, fraiseqlauth(prepared.namespace, PRODUCTION));
  await prepared.see.becomeReady();
  return prepared;
}

describe.concurrent('backups of a resource', () => {
  test('a backup that succeeds and one that fails stand in the status, and Ready stays True', async () => {
    const {see, namespace} = await inProduction();
    const cronJob = await see.get<KubeObject>(RESOURCES.CronJob, 'auth-backup');
    if (cronJob === undefined) throw new Error('there is no CronJob');
    const template = (
      cronJob as unknown as {spec: {jobTemplate: {metadata: KubeObject['metadata']; spec: object}}}
    ).spec.jobTemplate;
    const run = (name: string): Promise<Job> =>
      harness.admin.create<Job>(RESOURCES.Job, {
        apiVersion: 'batch/v1',
        kind: 'Job',
        metadata: {
          ...template.metadata,
          name,
          namespace,
          ownerReferences: [
            {
              apiVersion: 'batch/v1',
              kind: 'CronJob',
              name: 'auth-backup',
              uid: cronJob.metadata.uid ?? '',
              controller: true,
            },
          ],
        },
        spec: template.spec,
      });
    const good = await run('auth-backup-1');
    await see.createPod('auth-backup-1-x', good, template.metadata.labels ?? {}, {
      phase: 'Succeeded',
      containerStatuses: [
        {
          name: 'backup',
          image: 'x',
          imageID: '',
          ready: false,
          restartCount: 0,
          state: {
            terminated: {
              exitCode: 0,
              message: JSON.stringify({
                ok: true,
                kind: 'backup',
                detail: {location: 's3://backups/a.sql.gz'},
              }),
            },
          },
        },
      ],
    });
    await see.completeJob(good);
    await eventually(async () => (await see.condition('BackupHealthy')).status === 'True' && true);
    expect((await see.resource()).status?.backup?.lastLocation).toBe('s3://backups/a.sql.gz');

    await delay(1100);
    await see.failJob(
      await run('auth-backup-2'),
      JSON.stringify({
        ok: false,
        kind: 'backup',
        reason: 'BackupStorageUnavailable',
        message: 'bucket backups refuses us',
        hint: 'check Secret s3.',
      }),
    );
    const failed = await eventually(async () => {
      const condition = await see.condition('BackupHealthy');
      return condition.status === 'False' && condition;
    });
    expect(failed.message).toContain('bucket backups refuses us');
    expect((await see.condition('Ready')).status).toBe('True');

    // Jobs vanish, the status remembers.
    for (const name of ['auth-backup-1', 'auth-backup-2'])
      await harness.admin.delete(RESOURCES.Job, {namespace, name}, {propagationPolicy: 'Background'});
    await delay(500);
    expect((await see.resource()).status?.backup).toMatchObject({
      lastLocation: 's3://backups/a.sql.gz',
      lastFailureMessage: expect.stringContaining('bucket'),
    });
  });

  test('a backup whose Secret is missing says so, and the server runs', async () => {
    const {see, namespace} = await inProduction();
    await harness.admin.delete(RESOURCES.Secret, {namespace, name: 's3'});
    await eventually(async () => (await see.condition('BackupHealthy')).reason === 'SecretNotFound');
    expect((await see.condition('Ready')).status).toBe('True');
    expect((await see.resource()).status?.blockedOn).toMatchObject([
      {reason: 'SecretNotFound', objectRef: {name: 's3'}},
    ]);
    expect(await see.children()).toContain('CronJob/auth-backup');
  });
});
