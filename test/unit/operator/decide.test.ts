import {createHash} from 'node:crypto';
import {describe, expect, test} from 'vitest';
import {developmentSpec, productionSpec} from '../../fixtures/specs.ts';
import {iso, outcome, World} from './world.ts';

const short = (done: string[]): string[] => done.map((each) => each.replace(/-[0-9a-f]{8}$/, ''));

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

describe('nothing that runs is taken away', () => {
  const troubles: [string, (world: World) => void][] = [
    ['an invalid spec', (world) => world.change({publicURL: 'nonsense'})],
    ['a public URL that moves', (world) => world.change({publicURL: 'https://new.example.com'})],
    [
      'no spec at all',
      (world) => {
        world.spec = undefined as unknown as Record<string, unknown>;
        world.generation++;
      },
    ],
    ['a missing Secret', (world) => world.secret('auth-db', undefined)],
    ['a missing key', (world) => world.secret('keycloak-client', {'client-id': 'x'})],
    ['an empty value', (world) => world.secret('auth-db', {'database-url': '\n'})],
    [
      'a failed migration',
      (world) => {
        world.secret('auth-db', {'database-url': 'postgres://nowhere/x'});
        world.pass();
        world.failJob(outcome('DatabaseUnreachable', 'no answer'));
      },
    ],
  ];
  test.each(troubles)('%s', (_, trouble) => {
    const world = new World(productionSpec()).settle();
    const before = world.deployment;
    trouble(world);
    world.done = [];
    for (let hour = 0; hour < 3; hour++) {
      world.pass();
      world.now += 3_600_000;
    }
    expect(world.done.filter((each) => !/Job/.test(each))).toEqual([]);
    expect(world.deployment).toBe(before);
    expect(world.condition('Ready')?.status).toBe('False');
    expect(world.condition('Available')?.status).toBe('True');
    expect(world.condition('Ready')?.message).toContain('What runs keeps serving (3 of 3 pods ready)');
  });

  test('its Service is made again even while something else is wrong', () => {
    const world = new World().settle();
    world.secret('auth-db', undefined);
    world.children.delete('Service/auth');
    expect(world.pass()).toEqual(['create Service/auth']);
  });
});

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
