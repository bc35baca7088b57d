import {mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {afterAll, describe, expect, it} from 'vitest';
import {selfSigned} from '../../support/certificate.ts';
import {withAuthority} from '../../../src/database/url.ts';
import {databaseUrlFrom, migrationSettingsFrom} from '../../../src/database/settings.ts';

const directory = mkdtempSync(join(tmpdir(), 'settings-'));
afterAll(() => rmSync(directory, {recursive: true}));

describe('databaseUrlFrom', () => {
  it('reads the variable, or the file that its _FILE twin names', () => {
    const file = join(directory, 'url');
    writeFileSync(file, 'postgres://u:p@h/from-file\n');
    expect(databaseUrlFrom({DATABASE_URL: 'postgres://u:p@h/db'})).toBe('postgres://u:p@h/db');
    expect(databaseUrlFrom({DATABASE_URL_FILE: file})).toBe('postgres://u:p@h/from-file');
  });

  it('names the variable that is missing, and the file that cannot be used', () => {
    const empty = join(directory, 'empty');
    writeFileSync(empty, '\n');
    expect(() => databaseUrlFrom({})).toThrow('neither DATABASE_URL nor DATABASE_URL_FILE');
    expect(() => databaseUrlFrom({DATABASE_URL_FILE: '/nowhere/url'})).toThrow('/nowhere/url');
    expect(() => databaseUrlFrom({DATABASE_URL_FILE: empty})).toThrow('empty');
  });
});

describe('DATABASE_CA_FILE', () => {
  const url = {DATABASE_URL: 'postgres://u:p@h/db'};

  it('goes into the URL, where the driver and PostgreSQL’s programs read it', () => {
    const {certPath} = selfSigned(directory, 'authority');
    expect(databaseUrlFrom({...url, DATABASE_CA_FILE: certPath})).toBe(
      withAuthority(url.DATABASE_URL, certPath),
    );
    expect(databaseUrlFrom({...url, DATABASE_CA_FILE: ''})).toBe(url.DATABASE_URL);
  });

  it('is named where it cannot be used', () => {
    const {keyPath} = selfSigned(directory, 'key');
    expect(() => databaseUrlFrom({...url, DATABASE_CA_FILE: '/nowhere/ca'})).toThrow(
      'DATABASE_CA_FILE names /nowhere/ca',
    );
    expect(() => databaseUrlFrom({...url, DATABASE_CA_FILE: keyPath})).toThrow('holds no certificate');
  });
});

describe('migrationSettingsFrom', () => {
  it('has defaults and takes seconds', () => {
    expect(migrationSettingsFrom({})).toEqual({timeoutMs: 600_000, waitMs: 0});
    const env = {MIGRATION_TIMEOUT_SECONDS: '90', MIGRATION_WAIT_SECONDS: '5'};
    expect(migrationSettingsFrom(env)).toEqual({timeoutMs: 90_000, waitMs: 5_000});
  });

  it.each(['soon', '-1', '0'])('refuses a timeout of %s and names the variable', (value) => {
    expect(() => migrationSettingsFrom({MIGRATION_TIMEOUT_SECONDS: value})).toThrow(
      'MIGRATION_TIMEOUT_SECONDS',
    );
  });
});
