import {describe, expect, it} from 'vitest';
import {backupSettingsFrom} from '../../../src/backup/settings.ts';

const base = {DATABASE_URL: 'postgres://u:p@h/db', BACKUP_DESTINATION: 'file:///backups'};

describe('backupSettingsFrom', () => {
  it('reads a directory, with defaults', () => {
    expect(backupSettingsFrom(base)).toEqual({
      databaseUrl: base.DATABASE_URL,
      destination: {kind: 'file', directory: '/backups'},
      instance: 'fraiseql',
      retentionMs: 2_592_000_000,
      timeoutMs: 3_600_000,
    });
  });

  it('reads a bucket', () => {
    const settings = backupSettingsFrom({
      ...base,
      BACKUP_DESTINATION: 's3://auth-backups//prod/eu/',
      BACKUP_NAME_PREFIX: 'auth-prod',
      BACKUP_RETENTION_SECONDS: '86400',
      S3_ENDPOINT: 'http://s3.storage.svc:9000',
      S3_REGION: 'eu-west-1',
      S3_FORCE_PATH_STYLE: 'true',
      AWS_ACCESS_KEY_ID: 'key',
      AWS_SECRET_ACCESS_KEY: 'secret',
    });
    expect(settings.destination).toEqual({
      kind: 's3',
      bucket: 'auth-backups',
      prefix: 'prod/eu',
      endpoint: 'http://s3.storage.svc:9000',
      region: 'eu-west-1',
      forcePathStyle: true,
      credentials: {accessKeyId: 'key', secretAccessKey: 'secret'},
    });
    expect(settings).toMatchObject({instance: 'auth-prod', retentionMs: 86_400_000});
  });

  it('leaves the credentials to the usual chain where none are given', () => {
    const {destination} = backupSettingsFrom({...base, BACKUP_DESTINATION: 's3://bucket'});
    expect(destination).toMatchObject({prefix: '', credentials: undefined, forcePathStyle: false});
  });

  it.each<[Record<string, string>, string]>([
    [{BACKUP_DESTINATION: ''}, 'BACKUP_DESTINATION must be file:///'],
    [{BACKUP_DESTINATION: '/backups'}, 'BACKUP_DESTINATION must be file:///'],
    [{BACKUP_DESTINATION: 'file://backups'}, 'BACKUP_DESTINATION must name an absolute directory'],
    [{BACKUP_DESTINATION: 's3://FraiseQL-backups/'}, 'lower-case'],
    [{BACKUP_NAME_PREFIX: '../etc'}, 'BACKUP_NAME_PREFIX'],
    [{BACKUP_NAME_PREFIX: 'a_b'}, 'BACKUP_NAME_PREFIX'],
    [{BACKUP_RETENTION_SECONDS: '30d'}, 'BACKUP_RETENTION_SECONDS must be a number of seconds'],
    [{BACKUP_RETENTION_SECONDS: '0'}, 'BACKUP_RETENTION_SECONDS must be at least'],
    [{BACKUP_TIMEOUT_SECONDS: '2147484'}, 'BACKUP_TIMEOUT_SECONDS must be at most 86400'],
    [{S3_ENDPOINT: 's3.example.com'}, 'S3_ENDPOINT must be an http or https URL'],
    [{S3_FORCE_PATH_STYLE: 'yes please'}, 'S3_FORCE_PATH_STYLE must be true or false'],
    [{BACKUP_DESTINATION: 's3://bucket', AWS_ACCESS_KEY_ID: 'key'}, 'without AWS_SECRET_ACCESS_KEY'],
    [{BACKUP_DESTINATION: 's3://bucket', AWS_SECRET_ACCESS_KEY: 'key'}, 'without AWS_ACCESS_KEY_ID'],
    [{BACKUP_DESTINATION: 's3://bucket', AWS_ACCESS_KEY_ID_FILE: '/nowhere'}, 'AWS_ACCESS_KEY_ID_FILE'],
    [{DATABASE_URL: ''}, 'DATABASE_URL'],
    [{DATABASE_URL_FILE: '/nowhere'}, 'DATABASE_URL: is set beside DATABASE_URL_FILE'],
  ])('refuses %j and names the variable', (change, message) => {
    expect(() => backupSettingsFrom({...base, ...change})).toThrow(message);
  });

  it('names every variable that is wrong at once', () => {
    const wrong = {
      BACKUP_DESTINATION: 's3://UPPER/prefix',
      BACKUP_RETENTION_SECONDS: 'x',
      BACKUP_TIMEOUT_SECONDS: 'y',
      AWS_ACCESS_KEY_ID: 'key',
      AWS_SESSION_TOKEN_FILE: '/nowhere',
    };
    expect(() => backupSettingsFrom(wrong)).toThrow(
      /RETENTION_SECONDS .*TIMEOUT_SECONDS .*DESTINATION .*SESSION_TOKEN_FILE: .*without AWS_SECRET_ACCESS_KEY; .*DATABASE_URL/,
    );
  });

  it.each([{BACKUP_DESTINATION: ''}, {BACKUP_DESTINATION: '', BACKUP_TIMEOUT_SECONDS: 'x'}])(
    'gives %j the reason of the command that reads it',
    (change) => {
      const read = (): unknown => backupSettingsFrom({...base, ...change}, 'RestoreFailed');
      expect(read).toThrow(expect.objectContaining({reason: 'RestoreFailed'}));
    },
  );

  it('says of a lone problem what its own error says', () => {
    expect(() => backupSettingsFrom({...base, DATABASE_URL: ''})).toThrow(
      expect.objectContaining({reason: 'DatabaseURLInvalid'}),
    );
  });
});
