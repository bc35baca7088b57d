import {describe, expect, test} from 'vitest';
import {backupCronJob} from '../../../src/operator/desired/backup-cron-job.ts';
import {instance} from '../../fixtures/desired.ts';
import {developmentSpec, fullSpec, productionSpec} from '../../fixtures/specs.ts';
import {env, IMAGE, podTemplate} from './manifest.ts';

describe('the backup', () => {
  test('never runs twice at once, nor for what was missed long ago', () => {
    expect(backupCronJob(instance(productionSpec()), IMAGE)?.['spec']).toMatchObject({
      schedule: '0 2 * * *',
      timeZone: 'Etc/UTC',
      concurrencyPolicy: 'Forbid',
      startingDeadlineSeconds: 3600,
    });
  });

  test('goes to the claim or to the bucket', () => {
    const [pvc, s3] = [productionSpec(), fullSpec()].map((spec) => backupCronJob(instance(spec), IMAGE));
    expect(pvc && env(pvc)).toMatchObject({
      BACKUP_DESTINATION: 'file:///backups',
      BACKUP_RETENTION_SECONDS: '2592000',
    });
    expect(pvc && podTemplate(pvc).spec.volumes).toContainEqual({
      name: 'backups',
      persistentVolumeClaim: {claimName: 'backups'},
    });
    expect(s3 && env(s3)).toMatchObject({
      BACKUP_DESTINATION: 's3://backups/a/b',
      S3_ENDPOINT: 'https://s3.example.com',
      S3_FORCE_PATH_STYLE: 'true',
      BACKUP_NAME_PREFIX: 'default.auth',
    });
  });

  test('leaves each attempt the time to end by itself and say why', () => {
    const job = backupCronJob(instance(productionSpec()), IMAGE);
    const spec = job?.['spec'] as {jobTemplate: {spec: Record<string, number>}} | undefined;
    const {backoffLimit = 0, activeDeadlineSeconds = 0} = spec?.jobTemplate.spec ?? {};
    const attempts = 1 + backoffLimit;
    const timeout = Number(job && env(job)['BACKUP_TIMEOUT_SECONDS']);
    // Kubernetes waits 10 s, 20 s, 40 s … between attempts; a pod takes a while to start.
    expect(activeDeadlineSeconds).toBeGreaterThan(attempts * (timeout + 60) + 10 * (2 ** backoffLimit - 1));
  });

  test('has a name that no other instance has', () => {
    const prefix = (namespace: string, name: string) => {
      const job = backupCronJob({...instance(productionSpec()), namespace, name}, IMAGE);
      return job && env(job)['BACKUP_NAME_PREFIX'];
    };
    expect(prefix('team-a', 'auth')).toBe('team-a.auth');
    expect(prefix('team', 'a-auth')).toBe('team.a-auth');
  });

  test('is not there where the spec has none', () => {
    expect(backupCronJob(instance(developmentSpec()), IMAGE)).toBeUndefined();
    expect(backupCronJob(instance(productionSpec({backup: {policy: 'None'}})), IMAGE)).toBeUndefined();
  });
});
