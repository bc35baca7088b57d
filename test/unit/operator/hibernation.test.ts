import {describe, expect, test} from 'vitest';
import {productionSpec} from '../../fixtures/specs.ts';
import {computeStatus} from '../../../src/operator/status/status.ts';
import type {Standing} from '../../../src/operator/plan/approval.ts';
import type {Change} from '../../../src/operator/plan/change.ts';
import {BAD, imageOf, late, oneNewPod, running as proving, short, stuck} from './proving.ts';
import {running, World} from './world.ts';

const replicas = (world: World): number | undefined => world.deployment?.spec.replicas;

describe('a service that hibernates', () => {
  test('has no pods, no autoscaler and no backups; all else stays', () => {
    const world = new World(productionSpec()).settle();
    const before = [...world.children.keys()].filter((each) => !each.startsWith('HorizontalPodAutoscaler'));
    world.change({runState: 'Hibernated'});
    expect(world.pass()).toEqual([
      'delete HorizontalPodAutoscaler/auth',
      'patch Deployment/auth',
      'patch CronJob/auth-backup',
    ]);
    expect(replicas(world)).toBe(0);
    expect([...world.children.keys()]).toEqual(before);
    world.rollOut();
    world.pass();
    expect(world.condition('Ready')).toMatchObject({status: 'False', reason: 'Hibernated'});
    expect(world.condition('Available')).toMatchObject({status: 'False', reason: 'Hibernated'});
    expect(world.condition('BackupHealthy')).toMatchObject({status: 'Unknown', reason: 'Suspended'});
    expect(world.condition('SchemaCurrent')).toMatchObject({status: 'True'});
    expect(world.status?.blockedOn).toBeUndefined();
    expect(world.pass()).toEqual([]);
  });

  test('wakes with as many pods as it had, within what the autoscaler may', () => {
    for (const [had, wakes] of [
      [7, 7],
      [1, 3],
      [40, 10],
    ] as const) {
      const world = new World(productionSpec()).settle();
      if (world.deployment) world.deployment.spec.replicas = had;
      world.change({runState: 'Hibernated'});
      world.pass();
      world.change({runState: 'Running'});
      expect(world.pass()).toEqual([
        'patch Deployment/auth',
        'create HorizontalPodAutoscaler/auth',
        'update CronJob/auth-backup',
      ]);
      expect(replicas(world)).toBe(wakes);
      world.rollOut();
      world.pass();
      expect(world.condition('Ready')).toMatchObject({status: 'True', reason: 'Ready'});
      expect(world.pass()).toEqual([]);
    }
  });

  test('wakes with what ran everywhere last, though it was put to sleep in the midst of a bad roll-out', () => {
    const world = stuck(proving());
    world.change({runState: 'Hibernated'});
    expect(world.pass()).toEqual(['update Deployment/auth', 'patch Deployment/auth']);
    expect([replicas(world), imageOf(world)]).toEqual([0, 'registry.test/fraiseql-auth:1.4.0']);
    world.pods = [];
    world.rollOut();
    expect(world.pass()).toEqual([]);
    world.change({runState: 'Running'});
    expect(short(world.pass()).slice(0, 2)).toEqual(['patch Deployment/auth', 'create Job/auth-check']);
    expect([replicas(world), imageOf(world)]).toEqual([3, 'registry.test/fraiseql-auth:1.4.0']);
    // And goes on from there.
    world.rollOut();
    world.endCheck();
    world.pass();
    expect(imageOf(world)).toBe(BAD);
    oneNewPod(world);
    late(world);
    world.pass();
    expect(imageOf(world)).toBe('registry.test/fraiseql-auth:1.4.0');
  });

  test('that sleeps with a template which never ran gets back what did, and no pod for that', () => {
    const world = stuck(proving());
    const live = world.deployment;
    if (live === undefined) throw new Error('there is no Deployment');
    // As one was put to sleep that nobody looked after so.
    const annotations = {
      ...live.metadata.annotations,
      'auth.fraiseql.dev/replicas-before-hibernation': '3',
    };
    world.children.set('Deployment/auth', {
      ...live,
      metadata: {...live.metadata, annotations},
      spec: {...live.spec, replicas: 0},
    });
    world.change({runState: 'Hibernated'});
    expect(world.pass()[0]).toBe('update Deployment/auth');
    expect([replicas(world), imageOf(world)]).toEqual([0, 'registry.test/fraiseql-auth:1.4.0']);
  });

  test('is put to sleep and woken though a Secret is missing, and a person who scales it up is corrected', () => {
    const world = new World(productionSpec({replicas: 2})).settle();
    world.secret('keycloak-client', undefined);
    world.change({runState: 'Hibernated'});
    world.pass();
    expect(replicas(world)).toBe(0);
    if (world.deployment) world.deployment.spec.replicas = 3;
    expect(world.pass()).toEqual(['patch Deployment/auth']);
    expect(replicas(world)).toBe(0);
    world.change({runState: 'Running'});
    world.pass();
    expect(replicas(world)).toBe(2);
  });

  test('made asleep it makes nothing, and everything when it wakes', () => {
    const world = new World(productionSpec({runState: 'Hibernated'}));
    expect(world.pass()).toEqual([]);
    expect(world.condition('Ready')).toMatchObject({reason: 'Hibernated'});
    world.change({runState: 'Running'});
    world.settle();
    expect(world.condition('Ready')).toMatchObject({status: 'True'});
  });

  test('backups that were due while it slept are not overdue when it wakes', () => {
    const world = new World(productionSpec()).settle();
    world.change({runState: 'Hibernated'});
    world.pass();
    world.now += 7 * 86_400_000;
    world.change({runState: 'Running'});
    world.pass();
    world.rollOut();
    world.pass();
    expect(world.condition('BackupHealthy')).toMatchObject({status: 'Unknown', reason: 'WaitingForFirst'});
  });
});

describe('a service that is wished asleep while nothing may be changed', () => {
  const wished = (): World => {
    const world = running();
    world.change({management: 'Paused', runState: 'Hibernated'});
    expect(world.pass()).toEqual([]);
    return world;
  };

  test('is told of as it is: pods serve, and backups are made', () => {
    const world = wished();
    expect(world.condition('Ready')).toMatchObject({status: 'True', reason: 'Paused'});
    expect(world.ready).toContain('3 of 3 pods are ready');
    expect(world.condition('Available')).toMatchObject({status: 'True', reason: 'Available'});
    expect(world.condition('DatabaseReachable')?.reason).not.toBe('Hibernated');
    expect(world.condition('SchemaCurrent')).toMatchObject({status: 'True', reason: 'Current'});
    expect(world.condition('BackupHealthy')).toMatchObject({reason: 'WaitingForFirst'});
    expect(world.status?.backup?.next).toBe('2026-11-24T02:00:00Z');
  });

  test('an outage of the database is told, and makes it not ready', () => {
    const world = wished();
    const errors = [{dependency: 'database', reason: 'unreachable'}];
    const checkedAt = '2026-11-23T12:00:00Z';
    world.health = {auth: 'unhealthy', oauthProvider: 'ok', db: 'error', errors, checkedAt, sinceMs: 0};
    world.pass();
    expect(world.condition('Ready')).toMatchObject({status: 'False', reason: 'Paused'});
    expect(world.ready).toContain('cannot be reached (unreachable)');
    expect(world.condition('DatabaseReachable')).toMatchObject({reason: 'DatabaseUnreachable'});
    expect(world.status?.blockedOn).toMatchObject([{reason: 'DatabaseUnreachable'}]);
  });

  test('a plan that would put it to sleep changes nothing until it is let through', () => {
    const world = running();
    world.change({management: 'Plan', runState: 'Hibernated'});
    const resource = {...world.resource};
    const {decision, observed} = {decision: world.decide(), observed: world.observed};
    const change = {verb: 'Update', kind: 'Deployment', name: 'auth', hash: 'h', fields: [], touches: []};
    const waiting: Standing = {
      hash: 'plan',
      pending: [change as unknown as Change],
      approved: undefined,
      fresh: false,
      stale: undefined,
    };
    const told = (plan: Standing) => {
      const {schemaVersion} = world.settings;
      const status = computeStatus({
        resource,
        decision,
        observed,
        refused: [],
        plan,
        schemaVersion,
        now: world.now,
      });
      return Object.fromEntries((status.conditions ?? []).map(({type, reason}) => [type, reason]));
    };
    expect(told(waiting)).toMatchObject({
      Ready: 'PlanPending',
      Available: 'Available',
      Progressing: 'PlanPending',
      SchemaCurrent: 'Current',
      BackupHealthy: 'WaitingForFirst',
    });
    expect(told({...waiting, hash: undefined, pending: []})).toMatchObject({
      Ready: 'Hibernated',
      ProviderReachable: 'Hibernated',
    });
  });

  test('one that sleeps goes on sleeping, and one that is woken goes on too', () => {
    const world = running();
    world.change({runState: 'Hibernated'});
    world.pass();
    world.rollOut();
    world.change({management: 'Paused'});
    world.pass();
    expect(world.condition('Available')).toMatchObject({status: 'False', reason: 'Hibernated'});
    expect(world.condition('BackupHealthy')).toMatchObject({reason: 'Suspended'});
    world.change({runState: 'Running'});
    world.pass();
    expect(world.condition('BackupHealthy')).toMatchObject({
      reason: 'Suspended',
      message: 'CronJob auth-backup is suspended: no backups are made',
    });
    expect(world.status?.backup?.next).toBeUndefined();
  });
});
