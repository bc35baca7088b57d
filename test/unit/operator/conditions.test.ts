import {describe, expect, test} from 'vitest';
import {iso} from './objects.ts';
import {running, type World} from './world.ts';

describe('Progressing', () => {
  const progressing = (world: World) => {
    world.pass();
    const {status, reason} = world.condition('Progressing') ?? {status: '', reason: ''};
    return `${status} ${reason}`;
  };

  test('is about what the spec says, not about what happens to run', () => {
    const world = running();
    expect(progressing(world)).toBe('True RolledOut');
    world.change({image: 'registry.test/fraiseql-auth:9.9.9'});
    expect(progressing(world)).toBe('True Migrating');
    const {job} = world;
    if (job === undefined) throw new Error('no Job');
    const waiting = {reason: 'ErrImagePull', message: 'not found'};
    world.pods = [
      world.pod('migrate-1', job, {containerStatuses: [{name: 'migrate', state: {waiting}}]}, 'migration'),
    ];
    expect(progressing(world)).toBe('False ImagePullFailed');
    world.secret('auth-db', undefined);
    expect(progressing(world)).toBe('False SecretNotFound');
  });
});

test('version.current is what runs, also where the Deployment could not be written', () => {
  const world = running();
  const before = world.status?.version?.current;
  world.change({image: 'registry.test/fraiseql-auth:2.0.0'});
  world.pass();
  world.completeJob();
  world.refuses.add('Deployment/auth');
  world.pass();
  expect(world.status?.version).toEqual({current: before, target: '2.0.0'});
});

describe('conditions', () => {
  test('a time moves only with its status', () => {
    const world = running();
    const before = world.status?.conditions?.find((each) => each.type === 'Ready')?.lastTransitionTime;
    world.now += 60_000;
    world.secret('auth-db', undefined);
    world.pass();
    const since = iso(world.now);
    expect(world.status?.conditions?.find((each) => each.type === 'Ready')?.lastTransitionTime).toBe(since);
    expect(world.status?.blockedOn?.[0]?.since).toBe(since);
    world.now += 60_000;
    world.secret('auth-db', {other: 'x'});
    world.pass();
    expect(world.condition('Ready')?.reason).toBe('SecretKeyNotFound');
    expect(world.status?.conditions?.find((each) => each.type === 'Ready')?.lastTransitionTime).toBe(since);
    expect(before).not.toBe(since);
  });

  test('more pods of what runs do not make it unready', () => {
    const world = running();
    const live = world.deployment;
    if (live === undefined) throw new Error('no Deployment');
    const status = {
      observedGeneration: 1,
      replicas: 5,
      updatedReplicas: 5,
      readyReplicas: 3,
      availableReplicas: 3,
    };
    world.children.set('Deployment/auth', {...live, spec: {...live.spec, replicas: 5}, status});
    world.pass();
    expect(world.condition('Ready')?.status).toBe('True');
    expect(world.condition('Progressing')?.reason).toBe('RollingOut');
  });

  test('a change makes it unready until it is rolled out everywhere', () => {
    const world = running();
    world.change({logging: {level: 'debug'}});
    world.pass();
    const live = world.deployment;
    if (live === undefined) throw new Error('no Deployment');
    const steps = [
      {observedGeneration: 1, replicas: 3, updatedReplicas: 3, readyReplicas: 3, availableReplicas: 3},
      {observedGeneration: 2, replicas: 4, updatedReplicas: 1, readyReplicas: 3},
      {observedGeneration: 2, replicas: 4, updatedReplicas: 3, readyReplicas: 4},
      {observedGeneration: 2, replicas: 3, updatedReplicas: 3, readyReplicas: 3, availableReplicas: 3},
    ];
    const seen = steps.map((status) => {
      world.children.set('Deployment/auth', {...live, status});
      world.pass();
      return world.condition('Ready')?.reason;
    });
    expect(seen).toEqual(['RollingOut', 'RollingOut', 'RollingOut', 'Ready']);
    expect(world.condition('Available')?.status).toBe('True');
  });

  test('the version moves when it runs everywhere', () => {
    const world = running();
    expect(world.status?.version).toEqual({current: '1.4.0', target: '1.4.0'});
    world.change({image: 'registry.test/fraiseql-auth:2.0.0'});
    world.pass();
    expect(world.status?.version).toEqual({current: '1.4.0', target: '2.0.0'});
    expect(world.status?.schema?.current).toBe('4');
  });

  test('the schema is what the migration of another image says that it brought', () => {
    const world = running();
    world.change({image: 'registry.test/fraiseql-auth:2.0.0'});
    world.pass();
    // What that image needs is not known before.
    expect(world.status?.schema).toMatchObject({current: '4'});
    expect(world.status?.schema?.target).toBeUndefined();
    expect(world.condition('SchemaCurrent')?.message).toMatch(
      /brings the schema to the version that the image needs$/,
    );
    world.completeJob({from: '4', schema: '9', applied: ['5', '9']});
    world.pass();
    expect(world.status?.schema).toMatchObject({current: '9', target: '9'});
    expect(world.condition('SchemaCurrent')).toMatchObject({
      status: 'True',
      message: 'The schema is at version 9',
    });
    // Its pod goes, then the Job: the status has kept what it said.
    world.pods = [];
    world.pass();
    expect(world.status?.schema?.current).toBe('9');
    world.children.delete(`Job/${world.job?.metadata.name}`);
    expect(world.pass().filter((each) => each.includes('Job'))).toEqual([]);
    expect(world.status?.schema).toMatchObject({current: '9', target: '9'});
  });

  test('another database says nothing of its schema until it is migrated', () => {
    const world = running();
    world.secret('auth-db', {'database-url': 'postgres://app:secret@other/auth'});
    world.pass();
    expect(world.status?.schema).toMatchObject({target: '4'});
    expect(world.status?.schema?.current).toBeUndefined();
  });
});

describe('events', () => {
  test('one for each turn, none for standing still', () => {
    const world = running();
    expect(world.events.map((each) => `${each.type} ${each.reason}`)).toEqual([
      'Normal Migrating',
      'Normal RollingOut',
      'Normal Migrated',
      'Normal Ready',
    ]);
    world.events = [];
    world.pass();
    expect(world.events).toEqual([]);
    world.secret('auth-db', undefined);
    world.pass();
    world.pass();
    expect(world.events).toMatchObject([{type: 'Warning', reason: 'SecretNotFound'}]);
  });
});
