import type {ResolvedBackup} from '../../api/v1alpha1/resolve.ts';
import type {KubeObject} from '../../kube/objects.ts';
import {childMeta, labels} from './children.ts';
import {commandPod} from './command-pod.ts';
import type {Instance} from './instance.ts';
import {names} from './names.ts';
import {PATHS} from './paths.ts';
import type {EnvVar, MountedVolume} from './pod.ts';

/** A run that could not start within this time is left out: an operator or cluster that was away replays nothing. */
const STARTING_DEADLINE_SECONDS = 3600;
/** One attempt ends by itself after this time, with the reason: time for a database a hundred times of what sessions need. */
const TIMEOUT_SECONDS = 7200;
/** Storage or a database that is away for a moment is worth another attempt at once; what fails then waits for the schedule. */
const RETRIES = 2;
/** For a pod's start and end, and Kubernetes' pauses of 10 and 20 seconds between attempts. */
const GRACE_SECONDS = 120;
/**
 * From outside the Job is ended when all attempts have had their time. It must not be sooner: Kubernetes then removes the
 * pod, and with it the only word about what went wrong.
 */
const DEADLINE_SECONDS = (1 + RETRIES) * (TIMEOUT_SECONDS + GRACE_SECONDS);

/**
 * Whose backups these are: several instances may share a bucket or a volume. Neither a namespace nor the name of a
 * FraiseQLAuth holds a dot, so that no two instances have the same.
 */
function backupPrefix({namespace, name}: {namespace: string; name: string}): string {
  return `${namespace}.${name}`;
}

/** Backups by the clock; undefined where the spec has none. */
export function backupCronJob(
  instance: Instance,
  {image, version}: {image: string; version: string},
): KubeObject | undefined {
  const {backup} = instance.spec;
  if (!backup) return undefined;
  const name = names(instance).backup;
  const target = destination(backup);
  return {
    apiVersion: 'batch/v1',
    kind: 'CronJob',
    metadata: childMeta(instance, name, 'backup', {version}),
    spec: {
      schedule: backup.schedule,
      timeZone: backup.timeZone,
      suspend: backup.suspend,
      concurrencyPolicy: 'Forbid',
      startingDeadlineSeconds: STARTING_DEADLINE_SECONDS,
      successfulJobsHistoryLimit: 3,
      failedJobsHistoryLimit: 3,
      jobTemplate: {
        metadata: {labels: labels(instance, 'backup', version)},
        spec: {
          backoffLimit: RETRIES,
          activeDeadlineSeconds: DEADLINE_SECONDS,
          template: commandPod(instance, {
            component: 'backup',
            version,
            serviceAccountName: name,
            name: 'backup',
            image,
            args: ['backup'],
            env: [
              {name: 'BACKUP_NAME_PREFIX', value: backupPrefix(instance)},
              {name: 'BACKUP_RETENTION_SECONDS', value: String(backup.retentionSeconds)},
              {name: 'BACKUP_TIMEOUT_SECONDS', value: String(TIMEOUT_SECONDS)},
              ...target.env,
            ],
            volumes: target.volumes,
          }),
        },
      },
    },
  };
}

function destination({destination}: ResolvedBackup): {env: EnvVar[]; volumes: MountedVolume[]} {
  if (destination.kind === 'pvc') {
    return {
      env: [{name: 'BACKUP_DESTINATION', value: `file://${PATHS.backups}`}],
      volumes: [
        {
          volume: {name: 'backups', persistentVolumeClaim: {claimName: destination.claimName}},
          mount: {name: 'backups', mountPath: PATHS.backups},
        },
      ],
    };
  }
  const {bucket, prefix, endpoint, region, forcePathStyle, credentialsSecretRef} = destination;
  const credential = (name: string, key: string, optional = false): EnvVar[] =>
    credentialsSecretRef
      ? [
          {
            name,
            valueFrom: {secretKeyRef: {name: credentialsSecretRef.name, key, ...(optional && {optional})}},
          },
        ]
      : [];
  return {
    env: [
      {name: 'BACKUP_DESTINATION', value: `s3://${bucket}${prefix === undefined ? '' : `/${prefix}`}`},
      ...(endpoint === undefined ? [] : [{name: 'S3_ENDPOINT', value: endpoint}]),
      {name: 'S3_REGION', value: region},
      {name: 'S3_FORCE_PATH_STYLE', value: String(forcePathStyle)},
      ...credential('AWS_ACCESS_KEY_ID', 'access-key-id'),
      ...credential('AWS_SECRET_ACCESS_KEY', 'secret-access-key'),
      ...credential('AWS_SESSION_TOKEN', 'session-token', true),
    ],
    volumes: [],
  };
}
