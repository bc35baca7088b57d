import {describe, expect, test} from 'vitest';
import {developmentSpec, productionSpec} from '../../fixtures/specs.ts';
import {short, World} from './world.ts';

describe('the order', () => {
  test('keys, account and configuration, migration; and what runs pods only when it has succeeded', () => {
    const world = new World(productionSpec());
    expect(short(world.pass())).toEqual([
      'mint Secret/auth-signing-keys',
      'mint Secret/auth-state',
      'create ServiceAccount/auth',
      'create ConfigMap/auth-config',
      'create Job/auth-migrate',
    ]);
    expect(world.pass()).toEqual([]);
    world.completeJob();
    expect(short(world.pass())).toEqual([
      'create Deployment/auth',
      'create Service/auth',
      'create PodDisruptionBudget/auth',
      'create HorizontalPodAutoscaler/auth',
      'create ServiceAccount/auth-backup',
      'create CronJob/auth-backup',
    ]);
    world.rollOut();
    expect(world.pass()).toEqual([]);
    expect(world.condition('Ready')?.status).toBe('True');
  });

  test('a change of the spec that needs no other schema or database runs no migration', () => {
    const world = new World().settle();
    world.change({tokens: {accessTTL: '30m'}});
    expect(world.pass()).toEqual(['update Deployment/auth']);
  });

  test('another image, another database and another schema each migrate first, and the old pods stay till then', () => {
    const changes: ((world: World) => void)[] = [
      (world) => world.change({image: 'registry.test/fraiseql-auth:2.0.0'}),
      (world) => world.secret('auth-db', {'database-url': 'postgres://app:secret@other/auth'}),
      (world) => (world.settings = {...world.settings, schemaVersion: '5'}),
    ];
    for (const change of changes) {
      const world = new World().settle();
      const before = world.deployment;
      change(world);
      expect(short(world.pass())).toEqual(['create Job/auth-migrate']);
      expect(world.deployment).toBe(before);
      world.completeJob();
      expect(short(world.pass()).slice(-1)).toEqual(['delete Job/auth-migrate']);
    }
  });

  test('another operator, whose own image needs another schema, migrates nothing for an image that the spec names', () => {
    const world = new World(developmentSpec({image: 'registry.test/fraiseql-auth:1.0.0'}));
    world.pass();
    world.completeJob({schema: '3'});
    world.pass();
    world.rollOut();
    world.pass();
    const {status} = world;
    expect(status?.schema).toMatchObject({current: '3', target: '3'});
    world.settings = {image: 'registry.test/fraiseql-auth:1.5.0', version: '1.5.0', schemaVersion: '5'};
    world.restart();
    expect(world.pass()).toEqual([]);
    expect(world.status).toEqual(status);
    expect(world.condition('SchemaCurrent')).toMatchObject({
      reason: 'Current',
      message: 'The schema is at version 3',
    });
  });

  test('a migration that has succeeded is remembered when its Job is gone', () => {
    const world = new World().settle();
    world.children.delete(`Job/${world.job?.metadata.name}`);
    expect(world.pass()).toEqual([]);
    expect(world.condition('Ready')?.status).toBe('True');
    // Unless the status is lost as well: then it runs once more, which does no harm.
    world.status = undefined;
    expect(short(world.pass())).toEqual(['create Job/auth-migrate']);
  });
});

describe('sections that come and go', () => {
  test('backup, autoscaling and the second pod take their children with them', () => {
    const world = new World(productionSpec()).settle();
    world.change({backup: {policy: 'None'}});
    expect(world.pass()).toEqual(['delete CronJob/auth-backup', 'delete ServiceAccount/auth-backup']);
    world.change({replicas: 1});
    expect(world.pass()).toEqual([
      'delete HorizontalPodAutoscaler/auth',
      'update Deployment/auth',
      'delete PodDisruptionBudget/auth',
    ]);
  });

  test('a missing Secret of the backups stops backups from changing, and nothing else', () => {
    const destination = {s3: {bucket: 'backups', credentialsSecretRef: {name: 's3'}}};
    const world = new World(productionSpec({backup: {destination}})).settle();
    expect(world.children.has('CronJob/auth-backup')).toBe(false);
    expect(world.condition('Ready')?.status).toBe('True');
    expect(world.condition('BackupHealthy')).toMatchObject({status: 'False', reason: 'SecretNotFound'});
    world.secret('s3', {'access-key-id': 'a', 'secret-access-key': 'b'});
    expect(world.pass()).toEqual(['create ServiceAccount/auth-backup', 'create CronJob/auth-backup']);
  });

  test('another algorithm gets a key of its own', () => {
    const world = new World().settle();
    world.change({tokens: {algorithm: 'ES256'}});
    expect(short(world.pass())[0]).toBe('mint Secret/auth-signing-keys');
    expect(world.status?.signingKeys).toMatchObject([
      {kid: 'k-RS256', state: 'Signing'},
      {kid: expect.stringContaining('k-ES256'), state: 'Published'},
    ]);
  });
});

describe('configurations', () => {
  test('an old one stays while a pod uses it, then goes', () => {
    const world = new World().settle();
    const old = [...world.children.keys()].find((each) => each.startsWith('ConfigMap'));
    const name = old?.split('/')[1] ?? '';
    const pod = world.pod('auth-old', world.deployment ?? (undefined as never), {});
    world.pods = [{...pod, spec: {volumes: [{name: 'config', configMap: {name}}]}}];
    world.change({providers: [{...(world.spec['providers'] as object[])[0], displayName: 'Staff'}]});
    expect(short(world.pass())).toEqual(['create ConfigMap/auth-config', 'update Deployment/auth']);
    expect(world.children.has(old ?? '')).toBe(true);
    world.pods = [];
    expect(world.pass(), 'the roll-out may have to go back to it').toEqual([]);
    world.rollOut();
    expect(world.pass()).toEqual(['update Deployment/auth', `delete ${old}`]);
  });
});
