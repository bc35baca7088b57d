import {describe, expect, test} from 'vitest';
import {CONDITIONS} from '../../../src/api/v1alpha1/conditions.ts';
import type {HealthReport} from '../../../src/operator/observed.ts';
import {developmentSpec} from '../../fixtures/specs.ts';
import {World} from './world.ts';

const WELL: HealthReport = {
  auth: 'healthy',
  oauthProvider: 'ok',
  db: 'ok',
  cache: 'ok',
  errors: [],
  checkedAt: '2026-11-23T12:00:00Z',
  sinceMs: 0,
};
const away = (reason: string): HealthReport => ({
  ...WELL,
  auth: 'degraded',
  cache: 'error',
  errors: [{dependency: 'redis', reason}],
});

/** One that runs, with a Redis. */
function cached(): World {
  const world = new World(developmentSpec({cache: {redisURLSecretRef: {name: 'auth-redis'}}}));
  world.secret('auth-redis', {'redis-url': 'redis://:hush@redis:6379'});
  return world.settle();
}

describe('the Redis of an instance', () => {
  test('that is away is told, makes nothing unready, and is forgotten when it is back', () => {
    const world = cached();
    expect(world.condition('CacheReachable')).toMatchObject({status: 'Unknown', reason: 'NotYetKnown'});
    world.health = WELL;
    world.pass();
    expect(world.condition('CacheReachable')).toMatchObject({status: 'True', reason: 'Reachable'});
    world.events = [];

    world.health = away('unreachable');
    world.pass();
    expect(world.condition('CacheReachable')).toMatchObject({
      status: 'False',
      reason: 'CacheUnreachable',
      message:
        'The Redis that Secret auth-redis (key "redis-url") names cannot be reached (unreachable). Check that it runs and that host and port in the Secret are right. Meanwhile each pod counts rate limits on its own and reads sessions from the database; they use it again once it is back.',
    });
    expect(world.condition('Ready')?.status).toBe('True');
    expect(world.status?.health).toMatchObject({auth: 'degraded', db: 'ok', cache: 'error'});
    expect(world.status?.blockedOn).toMatchObject([
      {reason: 'CacheUnreachable', objectRef: {kind: 'Secret', name: 'auth-redis', key: 'redis-url'}},
    ]);

    world.health = WELL;
    world.pass();
    expect(world.condition('CacheReachable')?.status).toBe('True');
    expect(world.status?.blockedOn).toBeUndefined();
    expect(world.events.map(({type, reason}) => `${type} ${reason}`)).toEqual([
      'Warning CacheUnreachable',
      'Normal Reachable',
    ]);
  });

  test.each([
    ['authentication_failed', 'CacheAuthenticationFailed', /refuses the user or password/],
    ['permission_denied', 'CachePermissionDenied', /fraiseql-auth:/],
    ['out_of_memory', 'CacheRefusesWrites', /more memory/],
    ['read_only', 'CacheRefusesWrites', /not at a replica/],
    ['timeout', 'CacheUnreachable', /\(timeout\)/],
  ])('%s is %s, with a remedy', (fault, reason, words) => {
    const world = cached();
    world.health = away(fault);
    world.pass();
    const condition = world.condition('CacheReachable');
    expect(condition).toMatchObject({status: 'False', reason});
    expect(condition?.message).toMatch(words);
    expect(CONDITIONS.CacheReachable.reasons).toContain(reason);
  });

  test('is spoken of only where the spec has one, and asleep nobody knows', () => {
    const world = cached();
    world.health = WELL;
    world.change({runState: 'Hibernated'});
    world.pass();
    expect(world.condition('CacheReachable')).toMatchObject({status: 'Unknown', reason: 'Hibernated'});
    const other = new World().settle();
    other.health = WELL;
    other.pass();
    expect(other.condition('CacheReachable')).toBeUndefined();
  });
});
