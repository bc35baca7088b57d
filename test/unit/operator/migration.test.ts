import {createHash} from 'node:crypto';
import {describe, expect, test} from 'vitest';
import {developmentSpec} from '../../fixtures/specs.ts';
import {iso, outcome} from './objects.ts';
import {short, World} from './world.ts';

describe('a failed migration', () => {
  test('is tried again after 10, 20, 40, 80 and then each 120 seconds', () => {
    const world = new World();
    world.pass();
    const waits: number[] = [];
    for (let attempt = 1; attempt <= 7; attempt++) {
      world.failJob(outcome('MigrationFailed', 'no'));
      expect(world.pass()).toEqual([]);
      expect(world.status?.schema?.attempts).toBe(attempt);
      const wait = world.decide().requeueAfterMs ?? 0;
      waits.push(wait / 1000);
      world.now += wait - 1;
      expect(world.pass()).toEqual([]);
      world.now += 1;
      expect(short(world.pass())).toEqual(['recreate Job/auth-migrate']);
      expect(world.job?.metadata.annotations?.['auth.fraiseql.dev/attempt']).toBe(String(attempt + 1));
    }
    expect(waits).toEqual([10, 20, 40, 80, 120, 120, 120]);
  });

  test.each([-1, 1])('is tried again after as long where the clock was set by %d days meanwhile', (days) => {
    const world = new World();
    world.pass();
    world.failJob(outcome('MigrationFailed', 'no'));
    world.pass();
    world.setClock(days * 86_400_000);
    for (let n = 0; n < 2; n++) {
      expect(world.pass()).toEqual([]);
      expect(world.decide().requeueAfterMs).toBe(10_001 - n * 5000);
      world.now += 5000;
    }
    expect(short(world.pass())).toEqual(['recreate Job/auth-migrate']);
  });

  test('keeps its count when the Job went just before a restart', () => {
    const world = new World();
    world.pass();
    world.failJob(outcome('MigrationFailed', 'no'));
    world.pass();
    world.children.delete(`Job/${world.job?.metadata.name}`);
    world.pass();
    expect(world.job?.metadata.annotations?.['auth.fraiseql.dev/attempt']).toBe('2');
  });

  test('is tried again at once when the spec or the Secret changes', () => {
    const world = new World();
    world.pass();
    world.failJob(outcome('MigrationFailed', 'no'));
    world.pass();
    world.change({migrations: {timeout: '20m'}});
    expect(short(world.pass())).toEqual(['recreate Job/auth-migrate']);
    expect(world.job?.metadata.annotations?.['auth.fraiseql.dev/attempt']).toBe('1');
    world.failJob(outcome('MigrationFailed', 'no'));
    world.pass();
    world.secret('auth-db', {'database-url': 'postgres://app:right@db/auth'});
    expect(short(world.pass())).toEqual(['create Job/auth-migrate', 'delete Job/auth-migrate']);
  });

  test('whose pod cannot start makes room at once for what the spec says now', () => {
    const world = new World(developmentSpec({pod: {nodeSelector: {disk: 'gold'}}}));
    world.pass();
    const {job} = world;
    if (job === undefined) throw new Error('no Job');
    world.pods = [
      world.pod(
        'migrate-1',
        job,
        {
          conditions: [
            {
              type: 'PodScheduled',
              status: 'False',
              reason: 'Unschedulable',
              message: '0/3 nodes are available: 3 node(s) did not match',
            },
          ],
        },
        'migration',
      ),
    ];
    expect(world.pass()).toEqual([]);
    expect(world.ready).toContain(
      'Unschedulable: Pod migrate-1 cannot be scheduled: 0/3 nodes are available',
    );
    world.change({pod: {}});
    expect(short(world.pass())).toEqual(['recreate Job/auth-migrate']);
  });
});

test('a migration that runs is not begun anew for a change of the spec, though its pod is not ready', () => {
  const world = new World();
  world.pass();
  const {job} = world;
  if (job === undefined) throw new Error('no Job');
  world.now += 120_000;
  // As where its node has not been heard of for a while.
  const running = {name: 'migrate', state: {running: {startedAt: iso(world.now - 60_000)}}};
  const status = {conditions: [{type: 'Ready', status: 'False'}], containerStatuses: [running]};
  world.pods = [world.pod('migrate-1', job, status, 'migration')];
  expect(world.pass()).toEqual([]);
  expect(world.condition('SchemaCurrent')?.message).not.toContain('/health/auth');
  world.change({replicas: 2});
  expect(world.pass().filter((each) => each.includes('Job'))).toEqual([]);
  expect(world.job).toBe(job);
});

describe('a schema that vanished', () => {
  test('is made again, once', () => {
    const world = new World().settle();
    world.now += 60_000;
    const errors = [{dependency: 'database', reason: 'schema_missing'}];
    world.health = {
      auth: 'unhealthy',
      oauthProvider: 'ok',
      db: 'error',
      errors,
      checkedAt: iso(world.now),
      sinceMs: world.now,
    };
    expect(short(world.pass())).toEqual(['recreate Job/auth-migrate']);
    expect(world.pass()).toEqual([]);
    world.now += 1000;
    world.completeJob();
    expect(world.pass()).toEqual([]);
    world.now += 60_000;
    expect(world.pass()).toEqual([]);
  });

  test.each([-86_400_000, 86_400_000])(
    'is found out and made again once, also where the clock of the cluster is %d ms off',
    (offset) => {
      const world = new World().settle();
      const errors = [{dependency: 'database', reason: 'schema_missing'}];
      const ended = (): void =>
        void world.patchJob({
          conditions: [{type: 'Complete', status: 'True', lastTransitionTime: iso(world.now + offset)}],
        });
      ended();
      world.pass();
      world.now += 60_000;
      const checkedAt = iso(world.now);
      world.health = {
        auth: 'unhealthy',
        oauthProvider: 'ok',
        db: 'error',
        errors,
        checkedAt,
        sinceMs: world.now,
      };
      expect(short(world.pass())).toEqual(['recreate Job/auth-migrate']);
      world.now += 1000;
      ended();
      expect(world.pass()).toEqual([]);
      world.now += 60_000;
      expect(world.pass()).toEqual([]);
      // The Job may go.
      world.children.delete(`Job/${world.job?.metadata.name}`);
      expect(world.pass()).toEqual([]);
      world.now += 60_000;
      world.health = {...world.health, sinceMs: world.now};
      expect(short(world.pass())).toEqual(['create Job/auth-migrate']);
    },
  );
});

test('what stands for the database in status and Job tells nobody its URL who may read no Secrets', () => {
  const url = 'postgres://app:secret@db/auth';
  const sha = (text: string): string => createHash('sha256').update(text).digest('hex');
  const shown = (key: string): {text: string; database: string | undefined; job: string | undefined} => {
    const world = new World();
    world.pass();
    const state = world.children.get('Secret/auth-state');
    if (state) world.children.set('Secret/auth-state', {...state, data: {key}});
    world.settle();
    const text = JSON.stringify([world.status, world.job]);
    return {text, database: world.status?.schema?.database, job: world.job?.metadata.name};
  };
  const [one, other] = [shown('one'), shown('other')];
  expect(one.database).toMatch(/^[0-9a-f]{16}$/);
  expect(one.database).not.toBe(other.database);
  expect(one.job).not.toBe(other.job);
  for (const guess of [sha(url), sha(sha(url))]) expect(one.text).not.toContain(guess.slice(0, 16));
});
