import {BackupError, NoRoomError} from './errors.ts';
import type {S3Destination} from './settings.ts';

/** Says in a person's words what an S3 server or the way to it refused. */
export function explainS3(error: unknown, destination: S3Destination): BackupError {
  const where = destination.endpoint ?? 'Amazon S3';
  const code = codeOf(error);
  const known = KNOWN[code];
  const said = error instanceof Error ? (error.message.split('\n')[0] ?? '') : 'unknown error';
  const text = !said || said === 'UnknownError' || said === code ? code : `${code}: ${said}`;
  const message = `bucket ${destination.bucket} at ${where} cannot be used: ${known?.what ?? text}`;
  if (code === 'QuotaExceeded') return new NoRoomError(message, 'Raise the quota', error);
  const hint = known?.remedy ?? `Check BACKUP_DESTINATION, S3_ENDPOINT and the credentials (${FIELD}).`;
  return new BackupError('BackupStorageUnavailable', message, hint, error);
}

/** Where a FraiseQLAuth says what the variables say: whoever has one cannot set these. */
const FIELD = 'spec.backup.destination.s3';
const ENDPOINT = `S3_ENDPOINT (${FIELD}.endpoint)`;

const UNKNOWN_KEY = {
  what: 'the access key is unknown there',
  remedy: 'Correct AWS_ACCESS_KEY_ID (the key access-key-id of the Secret).',
};

const KNOWN: Readonly<Record<string, {what: string; remedy: string}>> = {
  NoSuchBucket: {
    what: 'there is no such bucket',
    remedy: `Create the bucket, or correct its name in BACKUP_DESTINATION (${FIELD}.bucket).`,
  },
  AccessDenied: {
    what: 'access was denied',
    remedy:
      'Allow these credentials s3:ListBucket and s3:ListBucketMultipartUploads on the bucket, and s3:GetObject, ' +
      's3:PutObject, s3:DeleteObject and s3:AbortMultipartUpload on its objects.',
  },
  InvalidAccessKeyId: UNKNOWN_KEY,
  // versitygw's word for it.
  XAdminUserNotFound: UNKNOWN_KEY,
  SignatureDoesNotMatch: {
    what: 'the signature is wrong',
    remedy: 'Correct AWS_SECRET_ACCESS_KEY (the key secret-access-key of the Secret), and check the clock.',
  },
  ExpiredToken: {what: 'the credentials have expired', remedy: 'Renew AWS_SESSION_TOKEN and its keys.'},
  CredentialsProviderError: {
    what: 'no credentials were found',
    remedy: `Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (${FIELD}.credentialsSecretRef), or give the pod a cloud identity.`,
  },
  PermanentRedirect: {
    what: 'the bucket is in another region',
    remedy: `Set S3_REGION (${FIELD}.region) to the bucket’s region.`,
  },
  AuthorizationHeaderMalformed: {
    what: 'the bucket is in another region',
    remedy: `Set S3_REGION (${FIELD}.region) to the bucket’s region.`,
  },
  ECONNREFUSED: {
    what: 'nothing listens there (ECONNREFUSED)',
    remedy: `Check ${ENDPOINT} and that the server runs.`,
  },
  ENOTFOUND: {
    what: 'the host name does not resolve (ENOTFOUND)',
    remedy: `Check ${ENDPOINT}; where the server knows buckets by path only, set S3_FORCE_PATH_STYLE=true (${FIELD}.forcePathStyle).`,
  },
  EAI_AGAIN: {
    what: 'the host name does not resolve (EAI_AGAIN)',
    remedy: `Check ${ENDPOINT} and the DNS.`,
  },
  TimeoutError: {
    what: 'it did not answer in time',
    remedy: `Check ${ENDPOINT}, and that no firewall or NetworkPolicy is between.`,
  },
  ECONNRESET: {what: 'it broke the connection (ECONNRESET)', remedy: 'Check the S3 server, then run again.'},
  QuotaExceeded: {what: 'its quota is used up', remedy: 'Raise the quota.'},
};

/** The S3 error code, or the network's. */
function codeOf(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return codeOf(error.errors[0]);
  if (!(error instanceof Error)) return 'error';
  if ('Code' in error && typeof error.Code === 'string') return error.Code;
  if ('code' in error && typeof error.code === 'string') return error.code;
  if ('$metadata' in error && error.name === 'Error') {
    const metadata = error.$metadata as {httpStatusCode?: number};
    if (metadata.httpStatusCode === 403) return 'AccessDenied';
    if (metadata.httpStatusCode === 301) return 'PermanentRedirect';
  }
  return error.name;
}
