import {describe, expect, test} from 'vitest';
import {migrationJob, migrationJobName} from '../../../src/operator/desired/migration-job.ts';
import {instance} from '../../fixtures/desired.ts';
import {developmentSpec} from '../../fixtures/specs.ts';

describe('the migration', () => {
  const inputs = {image: 'a', schemaVersion: '4', databaseHash: '01234567'};

  test('is another Job for another image, schema or database, and for nothing else', () => {
    const name = (more: object = {}, spec: unknown = developmentSpec()) =>
      migrationJobName(instance(spec), {...inputs, ...more});
    const different = [name(), name({image: 'b'}), name({schemaVersion: '5'}), name({databaseHash: 'x'})];
    expect(new Set(different).size).toBe(4);
    expect(name({}, developmentSpec({migrations: {timeout: '1h'}, replicas: 2}))).toBe(name());
  });

  test('is one attempt that ends', () => {
    expect(
      migrationJob(instance(developmentSpec({migrations: {timeout: '2m'}})), inputs)['spec'],
    ).toMatchObject({
      backoffLimit: 0,
      activeDeadlineSeconds: 180,
      template: {spec: {restartPolicy: 'Never', containers: [{name: 'migrate', args: ['db', 'migrate']}]}},
    });
  });
});
