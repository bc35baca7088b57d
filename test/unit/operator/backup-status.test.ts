import {describe, expect, test} from 'vitest';
import {productionSpec} from '../../fixtures/specs.ts';
import {ended, iso, outcome} from './objects.ts';
import {running, World} from './world.ts';

const DAY = 86_400_000;

describe('backups', () => {
  const job = (world: World, name: string, condition: string, at: number, message?: string) => {
    const object = {
      apiVersion: 'batch/v1',
      kind: 'Job',
      metadata: {
        name,
        namespace: 'prod',
        uid: `uid-${name}`,
        labels: {'app.kubernetes.io/component': 'backup'},
      },
      status: {
        conditions: [{type: condition, status: 'True', lastTransitionTime: iso(at)}],
        ...(condition === 'Complete' && {completionTime: iso(at)}),
      },
    };
    world.children.set(`Job/${name}`, object);
    if (message !== undefined)
      world.pods.push(
        world.pod(`${name}-x`, object, {phase: 'Succeeded', containerStatuses: [ended(message)]}, 'backup'),
      );
  };

  test('the first is waited for, and the time of the next stands there', () => {
    const world = running();
    expect(world.condition('BackupHealthy')).toMatchObject({
      status: 'Unknown',
      reason: 'WaitingForFirst',
      message: 'The first backup is due at 2026-11-24T02:00:00Z',
    });
    expect(world.status?.backup).toEqual({next: '2026-11-24T02:00:00Z'});
    world.now += 3_600_000;
    world.pass();
    expect(world.status?.backup?.next).toBe('2026-11-24T02:00:00Z');
    world.now = Date.parse('2026-11-24T02:00:01Z');
    world.pass();
    expect(world.status?.backup?.next).toBe('2026-11-25T02:00:00Z');
  });

  test('backups of a spec that is not valid any more go on, and are told', () => {
    const world = running();
    world.change({publicURL: 'https://api.example.com/auth'});
    world.now += 86_400_000;
    const done = JSON.stringify({ok: true, kind: 'backup', detail: {location: 's3://b/one'}});
    job(world, 'b1', 'Complete', world.now, done);
    world.pass();
    expect(world.condition('SpecValid')?.status).toBe('False');
    expect(world.status?.backup).toEqual({lastSuccess: iso(world.now), lastLocation: 's3://b/one'});
    expect(world.condition('BackupHealthy')).toMatchObject({status: 'True', reason: 'Succeeded'});
    world.now += 86_400_000;
    job(world, 'b2', 'Failed', world.now);
    world.pass();
    expect(world.status?.backup).toMatchObject({lastFailure: iso(world.now), lastLocation: 's3://b/one'});
    expect(world.condition('BackupHealthy')).toMatchObject({status: 'False', reason: 'Failed'});
  });

  test('success and failure are kept when their Jobs are gone, and Ready stays', () => {
    const world = running();
    job(
      world,
      'b1',
      'Complete',
      world.now,
      JSON.stringify({ok: true, kind: 'backup', detail: {location: 's3://b/one'}}),
    );
    world.pass();
    expect(world.condition('BackupHealthy')).toMatchObject({
      status: 'True',
      message: `The last backup, of ${iso(world.now)}, succeeded: s3://b/one`,
    });
    world.now += 86_400_000;
    job(
      world,
      'b2',
      'Failed',
      world.now,
      outcome('BackupStorageUnavailable', 'the bucket is gone', 'Make it.', 'backup'),
    );
    world.pass();
    world.children.delete('Job/b1');
    world.children.delete('Job/b2');
    world.pods = [];
    world.pass();
    expect(world.status?.backup).toMatchObject({lastLocation: 's3://b/one', lastFailure: iso(world.now)});
    expect(world.condition('BackupHealthy')).toMatchObject({status: 'False', reason: 'Failed'});
    expect(world.condition('BackupHealthy')?.message).toContain(
      'BackupStorageUnavailable: the bucket is gone Make it.',
    );
    expect(world.condition('BackupHealthy')?.message).toContain(
      'The last good one is of 2026-11-23T12:00:00Z',
    );
    expect(world.condition('Ready')?.status).toBe('True');
    expect(world.events.at(-1)).toMatchObject({type: 'Warning', reason: 'Failed'});
  });

  test('what one left undone is told until another does it', () => {
    const world = running();
    const said = (warning?: string) =>
      JSON.stringify({ok: true, kind: 'backup', detail: {location: 's3://b/one', ...(warning && {warning})}});
    job(world, 'b1', 'Complete', world.now, said('old backups could not be removed: access was denied'));
    world.pass();
    const told = `The last backup, of ${iso(world.now)}, succeeded: s3://b/one. But old backups could not be removed: access was denied`;
    expect(world.condition('BackupHealthy')).toMatchObject({status: 'True', message: told});
    world.children.delete('Job/b1');
    world.pods = [];
    world.pass();
    expect(world.condition('BackupHealthy')?.message).toBe(told);
    world.now += DAY;
    job(world, 'b2', 'Complete', world.now, said());
    world.pass();
    expect(world.condition('BackupHealthy')?.message).toBe(
      `The last backup, of ${iso(world.now)}, succeeded: s3://b/one`,
    );
    expect(world.status?.backup).not.toHaveProperty('lastWarning');
  });

  test('a restore that was made of its Job is none, neither good nor failed', () => {
    const world = running();
    const restored = JSON.stringify({ok: true, kind: 'restore', detail: {location: 's3://b/old'}});
    job(world, 'r1', 'Complete', world.now, restored);
    job(world, 'r2', 'Failed', world.now, outcome('RestoreFailed', 'no', '', 'restore'));
    // Its pod, and with it what it said, may go before the Job does.
    job(world, 'r3', 'Complete', world.now);
    world.pass();
    expect(world.condition('BackupHealthy')).toMatchObject({reason: 'WaitingForFirst'});
    expect(world.status?.backup).toEqual({next: '2026-11-24T02:00:00Z'});
  });

  test('one that never came is overdue', () => {
    const world = running();
    world.now = Date.parse('2026-11-24T05:00:00Z');
    world.pass();
    expect(world.condition('BackupHealthy')).toMatchObject({status: 'False', reason: 'Overdue'});
  });

  const backup = (schedule: string) => ({...(productionSpec().backup as object), schedule});
  test.each<[string, string, (world: World) => void]>([
    [
      'once a month became once a day',
      '0 2 1 * *',
      (world) => {
        world.now += 5 * DAY;
        world.pass();
      },
    ],
    [
      'there were none for a month',
      '0 2 * * *',
      (world) => {
        world.change({backup: {policy: 'None'}});
        world.pass();
        world.now += 30 * DAY;
        world.pass();
      },
    ],
  ])('what was due before that is not overdue, and what is due after it is: %s', (_, schedule, meanwhile) => {
    const world = new World(productionSpec({backup: backup(schedule)})).settle();
    world.status = {...world.status, backup: {...world.status?.backup, lastSuccess: iso(world.now)}};
    world.pass();
    meanwhile(world);
    world.change({backup: backup('0 2 * * *')});
    const reasons = [0, DAY / 2, DAY].map((ms) => {
      world.now += ms;
      world.pass();
      return world.condition('BackupHealthy')?.reason;
    });
    expect(reasons).toEqual(['Succeeded', 'Succeeded', 'Overdue']);
  });

  test('what lacks of them alone is told of them, and touches nothing else', () => {
    for (const kind of ['CronJob', 'ServiceAccount']) {
      const world = running();
      world.children.delete(`${kind}/auth-backup`);
      world.refuses.add(`${kind}/auth-backup`);
      const objectRef = {kind, name: 'auth-backup'};
      world.refused = [{reason: 'ObjectNotOurs', message: `${kind} exists`, hint: 'Rename it', objectRef}];
      world.events = [];
      world.pass();
      expect(world.condition('Ready')).toMatchObject({status: 'True', reason: 'Ready'});
      expect(world.condition('Progressing')).toMatchObject({status: 'True', reason: 'RolledOut'});
      expect(world.condition('BackupHealthy')).toMatchObject({
        status: 'False',
        reason: 'ObjectNotOurs',
        message: `${kind} exists. Rename it.`,
      });
      expect(world.status?.blockedOn).toMatchObject([{reason: 'ObjectNotOurs', objectRef}]);
      expect(world.events).toMatchObject([{type: 'Warning', reason: 'ObjectNotOurs'}]);
    }
    const world = running();
    world.refused = [
      {reason: 'ObjectRefused', message: 'no', hint: '', objectRef: {kind: 'ServiceAccount', name: 'auth'}},
    ];
    world.pass();
    expect(world.condition('Ready')).toMatchObject({status: 'False', reason: 'ObjectRefused'});
  });

  test('where no CronJob is made they are missed since the service was deployed', () => {
    const world = running();
    world.children.delete('CronJob/auth-backup');
    world.refuses.add('CronJob/auth-backup');
    world.now += 60_000;
    world.pass();
    expect(world.condition('BackupHealthy')).toMatchObject({
      reason: 'WaitingForFirst',
      message: 'The first backup is due once its CronJob is made',
    });
    world.now = Date.parse('2026-11-24T05:00:00Z');
    world.pass();
    expect(world.condition('BackupHealthy')).toMatchObject({status: 'False', reason: 'Overdue'});
  });

  test('those that were turned on are not overdue since before', () => {
    const {backup} = productionSpec();
    const world = new World(productionSpec({backup: {policy: 'None'}})).settle();
    expect(world.condition('BackupHealthy')).toMatchObject({reason: 'Disabled'});
    world.now += 7 * 86_400_000;
    world.refuses.add('CronJob/auth-backup');
    world.change({backup});
    world.pass();
    expect(world.condition('BackupHealthy')).toMatchObject({reason: 'WaitingForFirst'});
  });

  test('a schedule is read in its time zone', () => {
    const world = new World(
      productionSpec({backup: {timeZone: 'Asia/Tokyo', destination: {pvc: {claimName: 'b'}}}}),
    ).settle();
    expect(world.status?.backup?.next).toBe('2026-11-23T17:00:00Z');
  });
});
