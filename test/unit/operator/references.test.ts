import {describe, expect, test} from 'vitest';
import {productionSpec} from '../../fixtures/specs.ts';
import {World} from './world.ts';

describe('what the spec names beside Secrets with values', () => {
  test('a Secret by which images are pulled is checked as the others are', () => {
    const world = new World(productionSpec({imagePullSecrets: [{name: 'registry'}]}));
    world.pass();
    expect(world.condition('SecretsResolved')).toMatchObject({
      status: 'False',
      reason: 'SecretNotFound',
      message: expect.stringMatching(
        /Secret registry does not exist in namespace prod; spec\.imagePullSecrets\[0\] names it.*kubectl create secret docker-registry registry -n prod/,
      ) as string,
    });
    world.secret('registry', {username: 'x'});
    world.pass();
    expect(world.condition('SecretsResolved')).toMatchObject({
      reason: 'SecretKeyNotFound',
      message: expect.stringContaining('neither ".dockerconfigjson" nor ".dockercfg"') as string,
    });
    expect(world.condition('SecretsResolved')?.message).toContain(
      'Name another Secret in spec.imagePullSecrets[0], for this one holds other things, and create it: kubectl create secret docker-registry NAME -n prod',
    );
    expect(world.condition('SecretsResolved')?.message).not.toContain('Delete');
    world.secret('registry', {'.dockercfg': ''});
    world.pass();
    expect(world.condition('SecretsResolved')?.message).toContain(
      'Delete it, and create it anew: kubectl create secret docker-registry registry -n prod',
    );
    for (const key of ['.dockerconfigjson', '.dockercfg']) {
      world.secret('registry', {[key]: '{}'});
      world.pass();
      expect(world.condition('SecretsResolved')?.status).toBe('True');
    }
    // A new password there replaces no pods.
    world.completeJob();
    world.pass();
    world.rollOut();
    world.pass();
    world.secret('registry', {'.dockerconfigjson': '{"auths":{}}'});
    expect(world.pass()).toEqual([]);
  });

  test('a claim that is missing is told of before a backup is due, and looked for again', () => {
    const world = new World(productionSpec()).settle();
    world.claims.set('backups', false);
    world.pass();
    expect(world.condition('Ready')?.status).toBe('True');
    expect(world.condition('BackupHealthy')).toMatchObject({
      status: 'False',
      reason: 'ClaimNotFound',
      message: expect.stringContaining(
        'PersistentVolumeClaim backups does not exist in namespace prod; spec.backup.destination.pvc names it',
      ) as string,
    });
    expect(world.status?.blockedOn).toMatchObject([
      {reason: 'ClaimNotFound', objectRef: {kind: 'PersistentVolumeClaim', name: 'backups'}},
    ]);
    expect(world.decide().requeueAfterMs).toBeLessThanOrEqual(15_000);
    expect(world.children.has('CronJob/auth-backup'), 'its pod would wait for the claim').toBe(true);
    world.claims.set('backups', true);
    world.pass();
    expect(world.condition('BackupHealthy')?.reason).toBe('WaitingForFirst');
  });
});
