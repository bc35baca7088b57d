// A backup that nobody restored is none: a Job made from the CronJob, and its backup in a fresh database.
import {afterAll, beforeAll, expect, onTestFailed, test} from 'vitest';
import {documentedRestores} from '../support/documented.ts';
import {apply, getObject, kubectl, secret, waitFor, type Manifest} from '../support/kubectl.ts';
import {login} from '../support/login.ts';
import {dumpOnFailure} from './support/diagnostics.ts';
import {figure} from './support/figures.ts';
import {databaseUrl, ensureShared, publicUrl, SHARED, sql, startS3} from './support/fixtures.ts';
import {databaseOf, NAME, prepare, runningInstance} from './support/instance.ts';
import {closeNetwork, route} from './support/network.ts';
import {ensureOperator, removeNamespaces} from './support/operator.ts';
import {conditionOf, isReady, ResourceWatch} from './support/watch.ts';

const namespace = 'e2e-backup';
const watch = new ResourceWatch();
const SESSIONS =
  'SELECT id, user_id, refresh_token_hash, issued_at, expires_at, created_at, revoked_at FROM _system.sessions ORDER BY id';

interface Env {
  readonly name: string;
  readonly value?: string;
}
interface Container {
  readonly image: string;
  readonly imagePullPolicy?: string;
  readonly env?: readonly Env[];
}
interface PodTemplate {
  readonly spec: {readonly containers: readonly [Container]};
}

const s3 = {
  s3: {
    bucket: 'auth-backups',
    endpoint: `http://s3.${namespace}.svc.cluster.local:9000`,
    credentialsSecretRef: {name: 's3'},
  },
};

beforeAll(async () => {
  await Promise.all([ensureOperator(), ensureShared()]);
  await prepare(namespace);
  await startS3(namespace);
  watch.start();
  const spec = {backup: {destination: s3}};
  await runningInstance(watch, namespace, {spec, databaseUrl: databaseUrl(SHARED, databaseOf(namespace))});
});

afterAll(async () => {
  watch.close();
  closeNetwork();
  await removeNamespaces(namespace);
});

test('a Job made from the CronJob leaves a backup, which restores into a fresh database with the same sessions', async () => {
  onTestFailed(dumpOnFailure('backup', namespace, SHARED));
  const baseUrl = publicUrl(namespace);
  for (const user of ['ada', 'grace']) await login({baseUrl, user, route: route()});
  const sessions = await sql(SHARED, databaseOf(namespace), SESSIONS);
  expect(sessions.split('\n')).toHaveLength(2);

  const started = performance.now();
  await kubectl(['create', 'job', '--from=cronjob/auth-backup', 'by-hand'], {namespace});
  await waitFor('job/by-hand', 'condition=complete', namespace, 240_000);
  await figure('a backup Job', (performance.now() - started) / 1000, 's');
  const backedUp = await watch.until(namespace, NAME, 'speaking of its backup', (resource) => {
    const backup = resource.status?.['backup'] as {lastSuccess?: string} | undefined;
    return backup?.lastSuccess !== undefined && conditionOf(resource, 'BackupHealthy')?.status === 'True';
  });
  expect(backedUp.status?.['backup']).toMatchObject({
    lastLocation: expect.stringMatching(/^s3:\/\/auth-backups\//),
    next: expect.stringMatching(/T02:00:00/),
  });

  // A session made after the backup is not in it.
  await login({baseUrl, user: 'late', route: route()});
  await restoreInto('restored', 's3');
  expect(await sql(SHARED, 'restored', SESSIONS)).toBe(sessions);
});

test('a backup that fails is named in the status and leaves the service Ready; the next good one heals it', async () => {
  onTestFailed(dumpOnFailure('backup-fails', namespace));
  await kubectl(['scale', 'deployment/s3', '--replicas=0'], {namespace});
  await waitFor('pod', 'delete', namespace, 240_000, 'app=s3');
  // As the CronJob would run it, but without its further attempts, for which nobody has to wait here.
  const job = JSON.parse(
    await kubectl(
      ['create', 'job', '--from=cronjob/auth-backup', 'without-s3', '--dry-run=client', '-o', 'json'],
      {namespace},
    ),
  ) as Manifest & {spec: object};
  await apply([{...job, spec: {...job.spec, backoffLimit: 0}}], namespace);
  const failed = await watch.until(
    namespace,
    NAME,
    'speaking of the failed backup',
    (resource) => conditionOf(resource, 'BackupHealthy')?.status === 'False',
    240_000,
  );
  expect(conditionOf(failed, 'BackupHealthy')?.message).toMatch(/s3/i);
  expect(isReady(failed)).toBe(true);

  await kubectl(['scale', 'deployment/s3', '--replicas=1'], {namespace});
  await kubectl(['rollout', 'status', 'deployment/s3'], {namespace});
  await kubectl(['delete', 'job', 'without-s3', '--ignore-not-found'], {namespace});
  await kubectl(['create', 'job', '--from=cronjob/auth-backup', 'once-more'], {namespace});
  await waitFor('job/once-more', 'condition=complete', namespace, 240_000);
  await watch.until(
    namespace,
    NAME,
    'speaking of the good backup',
    (resource) => conditionOf(resource, 'BackupHealthy')?.status === 'True',
  );
});

test('all is lost and the operator has made the tables anew: asleep, restored, awake, with the same sessions', async () => {
  onTestFailed(dumpOnFailure('backup-lost', namespace, SHARED));
  const database = databaseOf(namespace);
  const sessions = await sql(SHARED, database, SESSIONS);
  expect(sessions).not.toBe('');
  await kubectl(['create', 'job', '--from=cronjob/auth-backup', 'before-the-loss'], {namespace});
  await waitFor('job/before-the-loss', 'condition=complete', namespace, 240_000);
  await sql(SHARED, database, 'DROP SCHEMA _system CASCADE');
  await expect
    .poll(() => sql(SHARED, database, `SELECT to_regclass('_system.sign_ins') IS NOT NULL`), {
      timeout: 240_000,
      interval: 1_000,
    })
    .toBe('t');
  await watch.until(namespace, NAME, 'ready again, and empty', isReady, 240_000);
  expect(await sql(SHARED, database, SESSIONS)).toBe('');

  const run = (runState: string): Promise<string> =>
    kubectl(['patch', `fqa/${NAME}`, '--type=merge', '-p', JSON.stringify({spec: {runState}})], {namespace});
  await run('Hibernated');
  const server = `app.kubernetes.io/instance=${NAME},app.kubernetes.io/component=server`;
  await waitFor('pod', 'delete', namespace, 240_000, server);
  await restore('restore-in-place', 's3', 'auth-db');
  await run('Running');
  await watch.until(namespace, NAME, 'ready with its sessions', isReady, 240_000);
  expect(await sql(SHARED, database, SESSIONS)).toBe(sessions);
}, 480_000);

test('a volume as the destination instead: the CronJob follows, and what its Job leaves there restores', async () => {
  onTestFailed(dumpOnFailure('backup-volume', namespace, SHARED));
  await apply([
    {
      apiVersion: 'v1',
      kind: 'PersistentVolumeClaim',
      metadata: {name: 'backups', namespace},
      spec: {accessModes: ['ReadWriteOnce'], resources: {requests: {storage: '1Gi'}}},
    },
  ]);
  const destination = {s3: null, pvc: {claimName: 'backups'}};
  await kubectl(
    ['patch', `fqa/${NAME}`, '--type=merge', '-p', JSON.stringify({spec: {backup: {destination}}})],
    {namespace},
  );
  const volumes = '{.spec.jobTemplate.spec.template.spec.volumes[*].persistentVolumeClaim.claimName}';
  await waitFor('cronjob/auth-backup', `jsonpath=${volumes}=backups`, namespace, 240_000);

  await kubectl(['create', 'job', '--from=cronjob/auth-backup', 'to-volume'], {namespace});
  await waitFor('job/to-volume', 'condition=complete', namespace, 240_000);
  const backedUp = await watch.until(namespace, NAME, 'speaking of the backup on the volume', (resource) => {
    const backup = resource.status?.['backup'] as {lastLocation?: string} | undefined;
    return backup?.lastLocation?.startsWith('file://') === true;
  });
  expect(conditionOf(backedUp, 'BackupHealthy')?.status).toBe('True');
  await restoreInto('from-volume', 'pvc');
  expect(await sql(SHARED, 'from-volume', SESSIONS)).toBe(await sql(SHARED, databaseOf(namespace), SESSIONS));
});

/** Restores the newest backup into another database, by the Job of docs/backups.md. */
async function restoreInto(database: string, from: 's3' | 'pvc'): Promise<void> {
  await sql(SHARED, 'fraiseql', `CREATE DATABASE "${database}"`);
  const name = `${database}-url`;
  await secret(namespace, name, {'database-url': databaseUrl(SHARED, database)});
  await restore(`restore-${database}`, from, name);
}

/** Runs that Job against the database that the Secret names, with what the page says to fill in. */
async function restore(name: string, from: 's3' | 'pvc', secretName: string): Promise<void> {
  const {spec} = (await documentedRestores())[from];
  const pod = spec.template.spec;
  const [container] = pod.containers;
  const backup = await backupContainer();
  const filledIn = new Map(
    (backup.env ?? [])
      .filter((each) => /^(BACKUP_NAME_PREFIX|BACKUP_DESTINATION|S3_.*)$/.test(each.name))
      .map((each) => [each.name, each]),
  );
  const env = [...container.env.filter((each) => !filledIn.has(each.name)), ...filledIn.values()];
  const {image, imagePullPolicy} = backup;
  const job: Manifest = {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: {name, namespace},
    spec: {
      ...spec,
      template: {
        spec: {
          ...pod,
          containers: [{...container, image, ...(imagePullPolicy && {imagePullPolicy}), env}],
          volumes: pod.volumes.map((volume) =>
            volume.name === 'database'
              ? {...volume, secret: {...(volume['secret'] as object), secretName}}
              : volume,
          ),
        },
      },
    },
  };
  await apply([job]);
  await waitFor(`job/${name}`, 'condition=complete', namespace, 240_000);
}

/** The container of the CronJob that makes the backups. */
async function backupContainer(): Promise<Container> {
  const cronJob = await getObject<{spec: {jobTemplate: {spec: {template: PodTemplate}}}}>(
    'cronjob',
    `${NAME}-backup`,
    namespace,
  );
  return cronJob.spec.jobTemplate.spec.template.spec.containers[0];
}
