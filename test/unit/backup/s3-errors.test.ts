import {describe, expect, it} from 'vitest';
import {NoRoomError} from '../../../src/backup/errors.ts';
import {explainS3} from '../../../src/backup/s3-errors.ts';

const destination = {
  kind: 's3',
  bucket: 'auth-backups',
  prefix: '',
  endpoint: 'https://s3.example.com',
  region: undefined,
  forcePathStyle: true,
  credentials: undefined,
} as const;

describe('a remedy that names a variable names the field of a FraiseQLAuth as well', () => {
  it.each([
    ['NoSuchBucket', 'bucket'],
    ['CredentialsProviderError', 'credentialsSecretRef'],
    ['PermanentRedirect', 'region'],
    ['AuthorizationHeaderMalformed', 'region'],
    ['ECONNREFUSED', 'endpoint'],
    ['ENOTFOUND', 'forcePathStyle'],
    ['EAI_AGAIN', 'endpoint'],
    ['TimeoutError', 'endpoint'],
  ])('%s: %s', (code, field) => {
    const {hint} = explainS3(Object.assign(new Error('refused'), {code}), destination);
    expect(hint).toContain(`(spec.backup.destination.s3.${field})`);
  });

  it('a quota that is used up: how long backups are kept', () => {
    const error = explainS3(Object.assign(new Error('full'), {code: 'QuotaExceeded'}), destination);
    expect(error).toBeInstanceOf(NoRoomError);
    expect(error.hint).toMatch(
      /^Raise the quota, or shorten the retention \(.*spec\.backup\.retention\.maxAge\)/,
    );
  });

  it('whatever is wrong', () => {
    const {hint} = explainS3(new Error('never seen before'), destination);
    expect(hint).toContain('(spec.backup.destination.s3)');
  });
});
