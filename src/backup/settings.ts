import {isAbsolute} from 'node:path';
import {fileURLToPath} from 'node:url';
import {z} from 'zod';
import {databaseUrlFrom, secretFrom} from '../database/settings.ts';
import {BackupError} from './errors.ts';

export interface S3Destination {
  readonly kind: 's3';
  readonly bucket: string;
  /** Without slashes at its ends; may be empty. */
  readonly prefix: string;
  readonly endpoint: string | undefined;
  readonly region: string | undefined;
  readonly forcePathStyle: boolean;
  /** Absent: the usual chain (environment, profile, web identity, instance). */
  readonly credentials:
    | {readonly accessKeyId: string; readonly secretAccessKey: string; readonly sessionToken?: string}
    | undefined;
}

type Destination = {readonly kind: 'file'; readonly directory: string} | S3Destination;

export interface BackupSettings {
  readonly databaseUrl: string;
  readonly destination: Destination;
  /** Whose backups these are: `<namespace>.<name>` in a cluster. */
  readonly instance: string;
  readonly retentionMs: number;
  readonly timeoutMs: number;
}

const text = z.preprocess(
  (value) => (typeof value === 'string' && value.trim() ? value.trim() : undefined),
  z.string().optional(),
);
const seconds = (fallback: number, most: number): z.ZodType<number> =>
  z.preprocess(
    (value) => (value === undefined || value === '' ? fallback : Number(value)),
    z
      .number('must be a number of seconds')
      .min(1, 'must be at least 1 second')
      .max(most, `must be at most ${most} seconds`),
  );
const flag = z.preprocess(
  (value) => (typeof value === 'string' ? value.trim().toLowerCase() : value),
  z
    .enum(['true', 'false', '1', '0', ''], 'must be true or false')
    .optional()
    .transform((word) => word === 'true' || word === '1'),
);

const environment = z.object({
  BACKUP_DESTINATION: z.preprocess(
    (value) => value ?? '',
    z
      .string()
      .trim()
      .regex(/^(file|s3):\/\//, 'must be file:///DIRECTORY or s3://BUCKET/PREFIX'),
  ),
  BACKUP_NAME_PREFIX: z.preprocess(
    (value) => (value === undefined || value === '' ? 'fraiseql' : value),
    z
      .string()
      .regex(
        /^[a-z0-9]([a-z0-9.-]{0,198}[a-z0-9])?$/,
        'may hold lower-case letters, digits, - and ., and must begin and end with a letter or digit',
      ),
  ),
  // A hundred years, as in the resource.
  BACKUP_RETENTION_SECONDS: seconds(30 * 86_400, 876_000 * 3_600),
  // A day: timers and PostgreSQL's own limits count milliseconds in 31 bits.
  BACKUP_TIMEOUT_SECONDS: seconds(3_600, 86_400),
  S3_ENDPOINT: z.preprocess(
    (value) => (value === '' ? undefined : value),
    z.url({protocol: /^https?$/, error: 'must be an http or https URL'}).optional(),
  ),
  S3_REGION: text,
  S3_FORCE_PATH_STYLE: flag,
});

/** Reads the environment of `backup` and `restore`. Throws an error that names every variable that is wrong. */
export function backupSettingsFrom(env: NodeJS.ProcessEnv): BackupSettings {
  const parsed = environment.safeParse(env);
  if (!parsed.success) {
    throw wrong(parsed.error.issues.map((issue) => `${issue.path.join('.')} ${issue.message}`).join('; '));
  }
  const values = parsed.data;
  return {
    databaseUrl: databaseUrlFrom(env),
    destination: destinationFrom(values, env),
    instance: values.BACKUP_NAME_PREFIX,
    retentionMs: values.BACKUP_RETENTION_SECONDS * 1_000,
    timeoutMs: values.BACKUP_TIMEOUT_SECONDS * 1_000,
  };
}

function destinationFrom(values: z.infer<typeof environment>, env: NodeJS.ProcessEnv): Destination {
  const raw = values.BACKUP_DESTINATION;
  if (raw.startsWith('file://')) {
    const path = URL.canParse(raw) && new URL(raw).host === '' ? fileURLToPath(raw) : '';
    if (!isAbsolute(path)) throw wrong('BACKUP_DESTINATION must name an absolute directory: file:///backups');
    return {kind: 'file', directory: path.length > 1 ? path.replace(/\/+$/, '') : path};
  }
  const [bucket = '', ...rest] = raw.slice('s3://'.length).split('/');
  if (!/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(bucket)) {
    throw wrong(
      'BACKUP_DESTINATION must name a bucket of 3 to 63 lower-case letters, digits, - and .: s3://bucket/prefix',
    );
  }
  return {
    kind: 's3',
    bucket,
    prefix: rest.filter((part) => part !== '').join('/'),
    endpoint: values.S3_ENDPOINT,
    region: values.S3_REGION,
    forcePathStyle: values.S3_FORCE_PATH_STYLE,
    credentials: credentialsFrom(env),
  };
}

function credentialsFrom(env: NodeJS.ProcessEnv): S3Destination['credentials'] {
  const read = (name: string): string | undefined =>
    secretFrom(env, name, (message, hint) => new BackupError('BackupFailed', message, hint));
  const accessKeyId = read('AWS_ACCESS_KEY_ID');
  const secretAccessKey = read('AWS_SECRET_ACCESS_KEY');
  const sessionToken = read('AWS_SESSION_TOKEN');
  if (!accessKeyId && !secretAccessKey) return undefined;
  if (!accessKeyId) throw wrong('AWS_SECRET_ACCESS_KEY is set without AWS_ACCESS_KEY_ID');
  if (!secretAccessKey) throw wrong('AWS_ACCESS_KEY_ID is set without AWS_SECRET_ACCESS_KEY');
  return {accessKeyId, secretAccessKey, ...(sessionToken ? {sessionToken} : {})};
}

function wrong(message: string): BackupError {
  return new BackupError('BackupFailed', message, 'Correct the variable that is named and run again.');
}
