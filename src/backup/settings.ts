import {isAbsolute} from 'node:path';
import {fileURLToPath} from 'node:url';
import {z} from 'zod';
import {DatabaseError} from '../database/errors.ts';
import {databaseUrlFrom, secretFrom} from '../database/settings.ts';
import {BackupError, type BackupReason} from './errors.ts';

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

/** The failure of the command that reads the environment. */
type Wrong = (message: string, hint?: string) => BackupError;

/** What is read of the environment, or undefined where it is wrong, which is noted. */
type Tried = <T>(read: () => T) => T | undefined;

/**
 * Reads the environment of `backup` and `restore`. Throws a BackupError with the command's own reason that names every
 * variable that is wrong; where one alone is, the error of that one.
 */
export function backupSettingsFrom(
  env: NodeJS.ProcessEnv,
  reason: BackupReason = 'BackupFailed',
): BackupSettings {
  const wrong: Wrong = (message, hint = 'Correct what is named and run again.') =>
    new BackupError(reason, message, hint);
  const failures: (BackupError | DatabaseError)[] = [];
  const tried: Tried = (read) => {
    try {
      return read();
    } catch (error) {
      if (!(error instanceof BackupError || error instanceof DatabaseError)) throw error;
      failures.push(error);
      return undefined;
    }
  };
  const parsed = environment.safeParse(env);
  for (const issue of parsed.error?.issues ?? [])
    failures.push(wrong(`${issue.path.join('.')} ${issue.message}`));
  const raw = env['BACKUP_DESTINATION']?.trim() ?? '';
  const place = tried(() => placeFrom(raw, wrong));
  const credentials = raw.startsWith('s3://') ? credentialsFrom(env, tried, wrong) : undefined;
  const databaseUrl = tried(() => databaseUrlFrom(env));
  const [first, ...more] = failures;
  if (first !== undefined)
    throw more.length === 0 ? first : wrong(failures.map(({message}) => message).join('; '));
  if (!parsed.success || place === undefined || databaseUrl === undefined)
    throw new Error('what is wrong with the environment has not been noted');
  const values = parsed.data;
  const destination: Destination =
    place.kind === 'file'
      ? place
      : {
          ...place,
          endpoint: values.S3_ENDPOINT,
          region: values.S3_REGION,
          forcePathStyle: values.S3_FORCE_PATH_STYLE,
          credentials,
        };
  return {
    databaseUrl,
    destination,
    instance: values.BACKUP_NAME_PREFIX,
    retentionMs: values.BACKUP_RETENTION_SECONDS * 1_000,
    timeoutMs: values.BACKUP_TIMEOUT_SECONDS * 1_000,
  };
}

function placeFrom(
  raw: string,
  wrong: Wrong,
): Exclude<Destination, S3Destination> | Pick<S3Destination, 'kind' | 'bucket' | 'prefix'> {
  if (!/^(file|s3):\/\//.test(raw))
    throw wrong('BACKUP_DESTINATION must be file:///DIRECTORY or s3://BUCKET/PREFIX');
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
  return {kind: 's3', bucket, prefix: rest.filter((part) => part !== '').join('/')};
}

function credentialsFrom(env: NodeJS.ProcessEnv, tried: Tried, wrong: Wrong): S3Destination['credentials'] {
  const isSet = (name: string): boolean => Boolean(env[name]?.trim() || env[`${name}_FILE`]?.trim());
  const read = (name: string): string | undefined => tried(() => secretFrom(env, name, wrong));
  const accessKeyId = read('AWS_ACCESS_KEY_ID');
  const secretAccessKey = read('AWS_SECRET_ACCESS_KEY');
  const sessionToken = read('AWS_SESSION_TOKEN');
  return tried(() => {
    if (secretAccessKey && !isSet('AWS_ACCESS_KEY_ID'))
      throw wrong('AWS_SECRET_ACCESS_KEY is set without AWS_ACCESS_KEY_ID');
    if (accessKeyId && !isSet('AWS_SECRET_ACCESS_KEY'))
      throw wrong('AWS_ACCESS_KEY_ID is set without AWS_SECRET_ACCESS_KEY');
    if (!accessKeyId || !secretAccessKey) return undefined;
    return {accessKeyId, secretAccessKey, ...(sessionToken ? {sessionToken} : {})};
  });
}
