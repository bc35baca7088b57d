import {readFile} from 'node:fs/promises';
import {join} from 'node:path';
import {describe, expect, test} from 'vitest';
import {backupCronJob} from '../../../src/operator/desired/backup-cron-job.ts';
import {documentedRestores, type RestoreJob} from '../../support/documented.ts';
import {instance} from '../../fixtures/desired.ts';
import {productionSpec} from '../../fixtures/specs.ts';

const IMAGE = {image: 'registry.example.com/fraiseql-auth:0.1.0', version: '0.1.0'};

const DESTINATIONS = {
  s3: {
    s3: {
      bucket: 'auth-backups',
      prefix: 'production',
      region: 'eu-west-3',
      credentialsSecretRef: {name: 's3'},
    },
  },
  pvc: {pvc: {claimName: 'backups'}},
};

type Pod = RestoreJob['spec']['template']['spec'];

/** The pod that makes the backups of the page's instance. */
function backupPod(destination: object, caSecretRef?: {name: string; key: string}): Pod {
  const spec = productionSpec({
    database: {
      urlSecretRef: {name: 'auth-db-restored', key: 'database-url'},
      ...(caSecretRef && {caSecretRef}),
    },
    backup: {destination},
  });
  const cronJob = backupCronJob(instance(spec, 'auth', 'prod'), IMAGE);
  const made = cronJob?.['spec'] as {jobTemplate: {spec: RestoreJob['spec']}} | undefined;
  if (!made) throw new Error('there is no CronJob');
  return made.jobTemplate.spec.template.spec;
}

/** Variables that say how a backup is made, which a restore has no use for. */
const OF_BACKUPS = new Set(['BACKUP_RETENTION_SECONDS', 'LOG_LEVEL', 'AWS_SESSION_TOKEN']);

test('the page names every variable of a backup Job, and where the authority of the database is mounted', async () => {
  const page = await readFile(join(import.meta.dirname, '../../../docs/backups.md'), 'utf8');
  const s3 = {...DESTINATIONS.s3.s3, endpoint: 'https://s3.example.com'};
  const [container] = backupPod({s3}, {name: 'auth-db-ca', key: 'ca.crt'}).containers;
  const unnamed = container.env.map(({name}) => name).filter((name) => !page.includes(name));
  expect(unnamed).toEqual(['LOG_LEVEL']);
  const authority = container.env.find(({name}) => name === 'DATABASE_CA_FILE');
  expect(page).toContain(`\`${String(authority?.['value'])}\``);
});

// `--for=condition=complete` would go on waiting for one that has failed.
test('whoever waits for a Job as the page says hears of its failure as soon as of its success', async () => {
  const page = await readFile(join(import.meta.dirname, '../../../docs/backups.md'), 'utf8');
  const waits = [...page.matchAll(/kubectl wait .*job\/.*/g)].map(([line]) => line);
  expect(waits).toHaveLength(2);
  for (const line of waits) expect(line).toContain(`--for=jsonpath='{.status.conditions[0].type}'`);
});

// What is written down there is what runs every night, but for the command.
describe.each(['s3', 'pvc'] as const)('the Job that restores from %s, as docs/backups.md has it', (kind) => {
  test('finds what the backup Job has left', async () => {
    const {spec} = (await documentedRestores())[kind].spec.template;
    const backup = backupPod(DESTINATIONS[kind]);
    const byName = (env: Pod['containers'][0]['env']) =>
      new Map(env.filter(({name}) => !OF_BACKUPS.has(name)).map((each) => [each.name, each]));
    expect(byName(spec.containers[0].env)).toEqual(byName(backup.containers[0].env));
    expect(spec.volumes).toEqual(backup.volumes);
    expect(spec.containers[0]['volumeMounts']).toEqual(backup.containers[0]['volumeMounts']);
  });

  test('is held as closely', async () => {
    const {spec} = (await documentedRestores())[kind].spec.template;
    const backup = backupPod(DESTINATIONS[kind]);
    const held = ({
      restartPolicy,
      automountServiceAccountToken,
      enableServiceLinks,
      securityContext,
      containers,
    }: Pod) => ({
      restartPolicy,
      automountServiceAccountToken,
      enableServiceLinks,
      securityContext,
      container: containers[0]['securityContext'],
      image: containers[0].image,
      terminationMessagePolicy: containers[0]['terminationMessagePolicy'],
    });
    expect(held(spec)).toEqual(held(backup));
    expect(spec.containers[0]['args']).toEqual(['restore', '--from', 'latest']);
  });
});
