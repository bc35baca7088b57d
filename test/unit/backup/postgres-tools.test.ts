import {describe, expect, it} from 'vitest';
import {complaint, libpqEnvironment, majorOf} from '../../../src/backup/postgres-tools.ts';
import {parseDatabaseUrl} from '../../../src/database/url.ts';

const target = parseDatabaseUrl(
  'postgres://app:p%40ss%2Fw%3Ard@[::1]:6432/auth?sslmode=no-verify&sslrootcert=/ca.pem&foo=bar',
);

describe('libpqEnvironment', () => {
  it('tells libpq where to go, and nothing else of ours', () => {
    const env = libpqEnvironment(target, 'backup');
    expect(env).toMatchObject({
      PGHOST: '::1',
      PGPORT: '6432',
      PGUSER: 'app',
      PGPASSWORD: 'p@ss/w:rd',
      PGDATABASE: 'auth',
      PGSSLMODE: 'require',
      PGSSLROOTCERT: '/ca.pem',
    });
    const others = Object.keys(env).filter((name) => !name.startsWith('PG'));
    expect(others.sort()).toEqual(['HOME', 'LC_ALL', 'PATH']);
  });

  it.each([
    ['', undefined],
    ['ssl=true', 'verify-full'],
    ['ssl=1', 'verify-full'],
    ['sslrootcert=/ca.pem', 'verify-full'],
    ['sslmode=require', 'require'],
    ['sslmode=verify-full', 'verify-full'],
  ])('of ?%s has libpq check what the driver checks', (query, mode) => {
    const url = parseDatabaseUrl(`postgres://app:secret@db.example.com/auth?${query}`);
    expect(libpqEnvironment(url, 'backup')['PGSSLMODE']).toBe(mode);
  });
});

describe('majorOf', () => {
  it.each([
    ['15.18', 15],
    ['15.18 (Debian 15.18-0+deb12u1)', 15],
    ['17beta2', 17],
    ['18', 18],
    ['nonsense', Number.NaN],
  ])('%s', (text, major) => {
    expect(majorOf(text)).toBe(major);
  });
});

describe('complaint', () => {
  it('is one line without the password', () => {
    expect(complaint('pg_dump: error:\n  with p@ss/w:rd\n', target)).toBe('pg_dump: error: with …');
  });
});
