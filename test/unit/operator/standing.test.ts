import {describe, expect, test} from 'vitest';
import {ROTATE} from '../../../src/operator/decide/key-finding.ts';
import {productionSpec} from '../../fixtures/specs.ts';
import {running as proving, stuck} from './proving.ts';
import {running, World} from './world.ts';

const replicas = (world: World): number | undefined => world.deployment?.spec.replicas;

describe('a Deployment that somebody scales to zero', () => {
  const scaled = (spec: Record<string, unknown>): World => {
    const world = new World(productionSpec(spec)).settle();
    if (world.deployment) world.deployment.spec.replicas = 0;
    world.rollOut();
    return world;
  };

  test('comes back with the fewest pods where it is autoscaled, also while a Secret is missing', () => {
    for (const missing of [false, true]) {
      const world = scaled({autoscaling: {minReplicas: 2, maxReplicas: 5}});
      if (missing) world.secret('keycloak-client', undefined);
      expect(world.pass()).toEqual(['patch Deployment/auth']);
      expect(replicas(world)).toBe(2);
      expect(world.condition('Available')?.reason).not.toBe('ScaledToZero');
      expect(world.pass()).toEqual([]);
    }
  });

  test('has pods again when autoscaling takes over from spec.replicas, and they were 0', () => {
    const world = new World(productionSpec({replicas: 0})).settle();
    world.change({replicas: undefined, autoscaling: {minReplicas: 2, maxReplicas: 5}});
    world.pass();
    expect(replicas(world)).toBe(2);
  });

  test('stays at zero while the resource is paused, and the status says what comes', () => {
    const world = scaled({});
    world.change({management: 'Paused'});
    expect(world.pass()).toEqual([]);
    expect(world.condition('Available')).toMatchObject({
      reason: 'ScaledToZero',
      message:
        'Somebody scaled the Deployment to 0, so no pods run, and its autoscaler rests. It comes back to spec.autoscaling.minReplicas, which is 3.',
    });
  });
});

describe('a Deployment without pods in the midst of a roll-out', () => {
  test('that the spec scaled there says so, and its template is not proven by that', () => {
    const world = stuck(proving());
    world.change({replicas: 0});
    world.pass();
    world.pods = [];
    world.rollOut();
    world.pass();
    const message =
      'spec.replicas is 0, so no pods run. Set it to 1 or more. What is rolled out has not proven itself: it has yet to run in every pod.';
    expect(world.condition('Progressing')).toMatchObject({status: 'False', reason: 'ScaledToZero', message});
    expect(world.condition('Ready')).toMatchObject({status: 'False', reason: 'ScaledToZero', message});
    expect(world.deployment?.metadata.annotations?.['auth.fraiseql.dev/proven-template']).toContain('1.4.0');
    expect(world.pass()).toEqual([]);
    world.change({replicas: 3});
    world.pass();
    expect(world.condition('Progressing')).toMatchObject({status: 'True', reason: 'RollingOut'});
    world.rollOut();
    world.pass();
    expect(world.condition('Progressing')).toMatchObject({status: 'True', reason: 'RolledOut'});
  });

  test('that somebody else scaled there says so', () => {
    const world = stuck(proving());
    world.change({management: 'Paused'});
    if (world.deployment) world.deployment.spec.replicas = 0;
    world.pods = [];
    world.rollOut();
    world.pass();
    expect(world.condition('Progressing')).toMatchObject({status: 'False', reason: 'ScaledToZero'});
    expect(world.condition('Progressing')?.message).toMatch(
      /^Somebody scaled .* which is 3\. What is rolled out has not proven itself/,
    );
    expect(world.condition('Ready')).toMatchObject({status: 'False', reason: 'Paused'});
  });
});

describe('a resource that is paused', () => {
  test('is told of, and nothing of it is changed, until it is Active', () => {
    const world = new World(productionSpec({replicas: 2})).settle();
    const keys = world.status?.signingKeys;
    world.change({management: 'Paused', replicas: 3});
    world.children.delete('Service/auth');
    world.annotations[ROTATE] = 'now';
    expect(world.pass()).toEqual([]);
    expect(world.condition('Ready')).toMatchObject({status: 'False', reason: 'Paused'});
    expect(world.ready).toContain('Service auth is missing. It is made once spec.management is Active.');
    expect(world.status?.blockedOn).toMatchObject([{reason: 'ChildMissing', objectRef: {name: 'auth'}}]);
    expect(world.condition('Paused')).toMatchObject({status: 'True', reason: 'Paused'});
    expect(world.status?.signingKeys).toEqual(keys);
    world.secret('auth-db', undefined);
    world.pass();
    expect(world.condition('Ready')).toMatchObject({status: 'False', reason: 'Paused'});
    expect(world.ready).toContain('auth-db');
    world.secret('auth-db', {'database-url': 'postgres://app:secret@db/auth'});
    world.change({management: 'Active'});
    expect(world.pass()).toEqual(
      expect.arrayContaining([
        'mint Secret/auth-signing-keys',
        'create Service/auth',
        'update Deployment/auth',
      ]),
    );
    expect(world.condition('Paused')).toBeUndefined();
  });

  test('tells which children are missing, and is not ready without those that serve', () => {
    for (const [id, status] of [
      ['Deployment/auth', 'False'],
      ['Secret/auth-state', 'False'],
      ['Secret/auth-signing-keys', 'False'],
      ['ServiceAccount/auth', 'True'],
      ['PodDisruptionBudget/auth', 'True'],
      ['CronJob/auth-backup', 'True'],
    ] as const) {
      const world = running();
      world.change({management: 'Paused'});
      world.children.delete(id);
      if (id.endsWith('keys')) world.signingKeys = undefined;
      world.pass();
      world.pass();
      const [kind, name] = id.split('/');
      expect([id, world.condition('Ready')?.status]).toEqual([id, status]);
      expect(world.ready).toContain(`${kind} ${name} is missing. It is made once spec.management is Active.`);
      expect(world.status?.blockedOn).toMatchObject([{reason: 'ChildMissing', objectRef: {kind, name}}]);
      expect(world.condition('SchemaCurrent')).toMatchObject({status: 'True', reason: 'Current'});
      expect(world.condition('KeysHealthy')?.reason).toBe(id.endsWith('keys') ? 'KeyMissing' : 'Healthy');
      expect(world.condition('BackupHealthy')?.reason).toBe(
        kind === 'CronJob' ? 'ChildMissing' : 'WaitingForFirst',
      );
    }
  });

  test('misses nothing that only a change would make', () => {
    const world = running();
    world.change({management: 'Paused', logging: {level: 'debug'}});
    world.pass();
    expect(world.status?.blockedOn).toBeUndefined();
    expect(world.condition('Ready')?.status).toBe('True');
  });

  test('promises no check, no migration and no roll-out', () => {
    const change = {image: 'registry.test/fraiseql-auth:2.0.0'};
    const waits = {status: 'False', reason: 'Paused', message: 'It waits until spec.management is Active'};
    const unchecked = new World(productionSpec()).settle();
    unchecked.checks = 'manual';
    unchecked.change({...change, management: 'Paused'});
    unchecked.pass();
    expect(unchecked.condition('Progressing')).toMatchObject(waits);
    expect(unchecked.condition('SchemaCurrent')).toMatchObject({status: 'True'});

    const migrates = new World(productionSpec({rollout: {check: 'Never'}})).settle();
    migrates.change({...change, management: 'Paused'});
    migrates.pass();
    expect(migrates.condition('Progressing')).toMatchObject(waits);
    expect(migrates.condition('SchemaCurrent')).toMatchObject(waits);

    const rolls = new World(productionSpec({rollout: {check: 'Never'}})).settle();
    rolls.change({tokens: {accessTTL: '30m'}, management: 'Paused'});
    rolls.pass();
    expect(rolls.condition('Progressing')).toMatchObject(waits);

    const failed = new World(productionSpec());
    failed.pass();
    failed.failJob('no');
    failed.change({management: 'Paused'});
    failed.pass();
    expect(failed.condition('SchemaCurrent')).toMatchObject(waits);
  });

  test('made paused it makes nothing', () => {
    const world = new World(productionSpec({management: 'Paused'}));
    expect(world.pass()).toEqual([]);
    expect(world.condition('Ready')).toMatchObject({status: 'False', reason: 'Paused'});
  });
});
