import {describe, expect, test} from 'vitest';
import {productionSpec} from '../../fixtures/specs.ts';
import {outcome} from './objects.ts';
import {World} from './world.ts';

describe('backups are kept up', () => {
  const destination = {s3: {bucket: 'backups', credentialsSecretRef: {name: 's3'}}};
  const IMAGE = 'registry.test/fraiseql-auth:1.4.0';
  const ready = (more: Record<string, unknown> = {}): World => {
    const world = new World(productionSpec({backup: {destination}, ...more}));
    world.secret('s3', {'access-key-id': 'a', 'secret-access-key': 'b'});
    return world.settle();
  };
  const lost = (world: World): string[] => {
    world.children.delete('CronJob/auth-backup');
    return world.pass().filter((each) => each.includes('CronJob'));
  };
  const imageOf = (world: World): string | undefined =>
    /"image":"([^"]+)"/.exec(JSON.stringify(world.children.get('CronJob/auth-backup')))?.[1];

  const troubles: [string, (world: World) => void][] = [
    ["a provider's Secret is missing", (world) => world.secret('keycloak-client', undefined)],
    [
      'a migration fails',
      (world) => {
        world.change({image: 'registry.test/fraiseql-auth:2.0.0'});
        world.pass();
        world.failJob(outcome('DatabaseUnreachable', 'no answer'));
        world.pass();
      },
    ],
    [
      'a change is being tried out',
      (world) => {
        world.checks = 'manual';
        world.change({image: 'registry.test/fraiseql-auth:2.0.0'});
        world.pass();
      },
    ],
    [
      'a change was refused',
      (world) => {
        world.checks = 'manual';
        world.change({image: 'registry.test/fraiseql-auth:2.0.0'});
        world.pass();
        world.endCheck(outcome('ConfigurationInvalid', 'no'));
        world.pass();
      },
    ],
  ];
  test.each(troubles)('where %s, with the image that runs', (_, trouble) => {
    const world = ready();
    trouble(world);
    expect(lost(world)).toEqual(['create CronJob/auth-backup']);
    expect(imageOf(world)).toBe(IMAGE);
    expect(world.pass().filter((each) => each.includes('CronJob'))).toEqual([]);
  });

  test.each(['s3', 'auth-db', 'more'])('not where they themselves lack a Secret: %s', (name) => {
    const extraEnv = [{name: 'FROM_SECRET', valueFrom: {secretKeyRef: {name: 'more', key: 'value'}}}];
    const world = new World(productionSpec({backup: {destination}, pod: {extraEnv}}));
    world.secret('s3', {'access-key-id': 'a', 'secret-access-key': 'b'});
    world.secret('more', {value: 'x'});
    world.settle();
    expect(world.children.has('CronJob/auth-backup')).toBe(true);
    world.secret(name, undefined);
    expect(lost(world)).toEqual([]);
  });

  test.each(['auth-pre-migrate-20261130', 'auth-check-1'])(
    'and one that a person began stays his: %s',
    (name) => {
      const world = ready();
      const cronJob = world.children.get('CronJob/auth-backup');
      const owner = {apiVersion: 'batch/v1', kind: 'CronJob', name: 'auth-backup', controller: true};
      world.children.set(`Job/${name}`, {
        apiVersion: 'batch/v1',
        kind: 'Job',
        metadata: {
          name,
          namespace: 'prod',
          uid: 'uid-by-hand',
          labels: cronJob?.metadata.labels ?? {},
          ownerReferences: [{...owner, uid: cronJob?.metadata.uid ?? ''}],
        },
      });
      expect(world.pass()).toEqual([]);
    },
  );

  test('not while the service hibernates, and not without the section', () => {
    const world = ready();
    world.change({runState: 'Hibernated'});
    world.pass();
    expect(lost(world)).toEqual([]);
    const without = ready({backup: {policy: 'None'}});
    without.secret('keycloak-client', undefined);
    expect(without.pass()).toEqual([]);
  });
});
