import * as fc from 'fast-check';
import {describe, expect, it} from 'vitest';
import {DatabaseError} from '../../../src/database/errors.ts';
import {parseDatabaseUrl, withAuthority} from '../../../src/database/url.ts';

function failure(url: string): DatabaseError {
  try {
    parseDatabaseUrl(url);
  } catch (error) {
    if (error instanceof DatabaseError) return error;
    throw error;
  }
  throw new Error(`${url} was taken`);
}

describe('parseDatabaseUrl', () => {
  it('reads the guide’s URL', () => {
    const target = parseDatabaseUrl('postgres://user:strong_password@prod-db.internal:5432/FraiseQL');
    expect(target).toMatchObject({
      host: 'prod-db.internal',
      port: 5432,
      user: 'user',
      password: 'strong_password',
      database: 'FraiseQL',
      display: 'postgres://user@prod-db.internal:5432/FraiseQL',
    });
  });

  it('takes postgresql://, an IPv6 host, and the default port', () => {
    expect(parseDatabaseUrl('postgresql://u:p@[::1]/db')).toMatchObject({host: '::1', port: 5432});
    expect(parseDatabaseUrl('postgresql://u:p@[::1]/db').display).toBe('postgres://u@[::1]:5432/db');
  });

  it('asks the driver for psql’s meaning of sslmode', () => {
    expect(parseDatabaseUrl('postgres://u:p@h/db?sslmode=require').url).toContain('uselibpqcompat=true');
    expect(parseDatabaseUrl('postgres://u:p@h/db').url).not.toContain('uselibpqcompat');
  });

  it('takes no sslmode that there is not, and leaves no-verify to the driver, whose word it is', () => {
    expect(failure('postgres://u:hunter2@h/db?sslmode=required')).toMatchObject({
      reason: 'DatabaseURLInvalid',
      hint: expect.stringContaining('verify-full') as string,
    });
    const {url} = parseDatabaseUrl('postgres://u:p@h/db?uselibpqcompat=true&sslmode=no-verify');
    expect(url).not.toContain('uselibpqcompat');
  });

  it('gives back whatever user, password and database were encoded, and shows no password', () => {
    const part = fc.string({minLength: 1, unit: 'grapheme'}).filter((text) => text.trim() === text);
    fc.assert(
      fc.property(part, part, fc.string({minLength: 12, maxLength: 30}), (user, database, password) => {
        const encoded = [user, password, database].map(encodeURIComponent);
        fc.pre(!database.includes('/') && database !== '.' && database !== '..');
        const target = parseDatabaseUrl(
          `postgres://${encoded[0]}:${encoded[1]}@db.example.com:6432/${encoded[2]}`,
        );
        expect(target).toMatchObject({user, password, database});
        expect(target.display).not.toContain(encoded[1]);
      }),
    );
  });

  it.each([
    ['', 'empty'],
    ['mysql://u:p@h/db', 'postgres://'],
    ['host=h user=u', 'postgres://'],
    ['postgres://u:hunter2@/db', 'host'],
    ['postgres://:hunter2@h/db', 'user'],
    ['postgres://u:hunter2@h', 'database'],
    ['postgres://u:hunter2@h/', 'database'],
    ['postgres://u:hunter2/xyz@h/db', ''],
    ['postgres://u:hunter2#xyz@h/db', '#'],
    ['postgres://u:hunter2?xyz@h/db', '?'],
    ['postgres://u:hunter2%zz@h/db', 'percent'],
    ['postgres://u:hunter2@h:99999/db', ''],
  ])('refuses %s', (url, word) => {
    const error = failure(url);
    expect(error.reason).toBe('DatabaseURLInvalid');
    expect(error.message).toContain(word);
    expect(error.hint).not.toBe('');
    expect(`${error.message} ${error.hint}`).not.toContain('hunter2');
  });
});

describe('withAuthority', () => {
  const parameters = (url: string) =>
    Object.fromEntries(parseDatabaseUrl(withAuthority(url, '/ca.crt')).parameters);

  it('checks everything where the URL says nothing, and what it says otherwise', () => {
    expect(parameters('postgres://u:p@h/db')).toEqual({sslmode: 'verify-full', sslrootcert: '/ca.crt'});
    for (const sslmode of ['require', 'verify-ca', 'verify-full'])
      expect(parameters(`postgres://u:p@h/db?sslmode=${sslmode}&options=x`)).toEqual({
        sslmode,
        options: 'x',
        sslrootcert: '/ca.crt',
      });
  });

  it('leaves all else as it was', () => {
    const url = 'postgres://u%40x:p%2F%3F@[::1]:6432/a%20b';
    const {url: _, parameters: __, ...before} = parseDatabaseUrl(url);
    expect(parseDatabaseUrl(withAuthority(url, '/c a.crt'))).toMatchObject(before);
    expect(parseDatabaseUrl(withAuthority(url, '/c a.crt')).parameters.get('sslrootcert')).toBe('/c a.crt');
  });

  it.each(['disable', 'allow', 'prefer', 'no-verify'])('refuses sslmode=%s, which checks nothing', (mode) => {
    expect(() => withAuthority(`postgres://u:p@h/db?sslmode=${mode}`, '/ca.crt')).toThrow(
      'no certificate is checked',
    );
  });

  it('refuses a second authority', () => {
    expect(() => withAuthority('postgres://u:p@h/db?sslrootcert=/x', '/ca.crt')).toThrow('DATABASE_CA_FILE');
  });
});
