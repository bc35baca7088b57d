import {describe, expect, test} from 'vitest';
import type {KubeObject} from '../../../src/kube/objects.ts';
import {BAD, running, stuck} from './proving.ts';
import {World} from './world.ts';

const set = (world: World, job: KubeObject | undefined, fields: Record<string, unknown>): void => {
  if (job === undefined) throw new Error('there is no Job');
  world.children.set(`Job/${job.metadata.name}`, {...job, ...fields});
};
const blocked = (world: World) => world.status?.blockedOn?.map(({reason, hint}) => `${reason}: ${hint}`);

/** A Job that tries a change out, and one that migrates. */
const JOBS: readonly [string, () => World, (world: World) => KubeObject | undefined, string][] = [
  [
    'check',
    () => {
      const world = running();
      world.change({image: BAD});
      world.pass();
      return world;
    },
    (world) => world.check,
    'Progressing',
  ],
  [
    'migration',
    () => {
      const world = new World();
      world.pass();
      return world;
    },
    (world) => world.job,
    'SchemaCurrent',
  ],
];

describe.each(JOBS)('the Job of a %s', (_, make, jobOf, condition) => {
  test('that has no pod is told when it is not young any more, also when its time is over', () => {
    const world = make();
    world.now += 9000;
    world.pass();
    expect(world.status?.blockedOn).toBeUndefined();
    world.now += 2000;
    world.pass();
    const name = jobOf(world)?.metadata.name;
    const says = `Most often a ResourceQuota, a LimitRange or an admission policy refuses it. See: kubectl describe job ${name} -n prod`;
    expect(blocked(world)).toEqual([`PodNotCreated: ${says}`]);
    expect(world.ready).toMatch(/^PodNotCreated: No pod of Job auth-\S+ has been created\./);
    const ends = (type: string): void => {
      set(world, jobOf(world), {status: {conditions: [{type, status: 'True', reason: 'DeadlineExceeded'}]}});
      world.pass();
    };
    ends('FailureTarget');
    expect(blocked(world)?.[0]).toMatch(/^PodNotCreated: Most often/);
    for (let look = 0; look < 2; look++) {
      ends('Failed');
      expect(world.condition(condition)).toMatchObject({status: 'False', reason: 'PodNotCreated'});
      expect(world.ready).not.toMatch(/Raise spec/);
    }
  });

  test.each([
    ['has a pod', {active: 1}],
    ['had one, which goes', {terminating: 1}],
    ['had one, which failed', {failed: 1}],
    ['is about to fail', {conditions: [{type: 'FailureTarget', status: 'True', reason: 'DeadlineExceeded'}]}],
  ])('that %s, as it says itself, is not told', (_, status) => {
    const world = make();
    set(world, jobOf(world), {status});
    world.now += 60_000;
    world.pass();
    expect(world.status?.blockedOn).toBeUndefined();
  });

  test('that is suspended is told at once', () => {
    const world = make();
    set(world, jobOf(world), {spec: {suspend: true}});
    world.pass();
    expect(world.ready).toMatch(/^JobSuspended: Job auth-\S+ is suspended, so it does not run\. .*Kueue/);
    // Its time counts from when it was resumed.
    world.now += 60_000;
    const startTime = new Date(world.now).toISOString();
    set(world, jobOf(world), {spec: {suspend: false}, status: {startTime, active: 1}});
    const job = jobOf(world);
    if (job !== undefined) {
      const status = {phase: 'Running', conditions: [{type: 'Ready', status: 'True'}]};
      world.pods = [world.pod(`${job.metadata.name}-x`, job, status, 'check', 0)];
    }
    world.pass();
    expect(world.status?.blockedOn).toBeUndefined();
  });
});

test('pods of the server that the API server refuses are told in its words', () => {
  const world = stuck(running());
  const live = world.deployment;
  if (live === undefined) throw new Error('there is no Deployment');
  world.pods = [];
  const message = 'pods "auth-1" is forbidden: exceeded quota: small, requested: pods=1';
  const conditions = [{type: 'ReplicaFailure', status: 'True', reason: 'FailedCreate', message}];
  world.children.set('Deployment/auth', {...live, status: {...(live['status'] as object), conditions}});
  world.pass();
  expect(world.ready).toMatch(
    /^PodNotCreated: Pods of Deployment auth cannot be created: pods "auth-1" is forbidden: exceeded quota/,
  );
  expect(world.condition('Progressing')).toMatchObject({status: 'False', reason: 'PodNotCreated'});
  expect(world.status?.blockedOn).toMatchObject([{objectRef: {kind: 'Deployment', name: 'auth'}}]);
});
