import {describe, expect, it} from 'vitest';
import {databaseFault, DatabaseError, isOutage, type DatabaseFault} from '../../../src/database/errors.ts';
import {explain} from '../../../src/database/explain.ts';
import {parseDatabaseUrl} from '../../../src/database/url.ts';

const withCode = (code: string, message = 'said by the server'): Error =>
  Object.assign(new Error(message), {code});

describe('databaseFault', () => {
  it.each<[string, Error, DatabaseFault]>([
    ['a refused connection', withCode('ECONNREFUSED'), 'unreachable'],
    ['several refused addresses', new AggregateError([withCode('ECONNREFUSED')]), 'unreachable'],
    ['an unknown host', withCode('ENOTFOUND'), 'unreachable'],
    ['a server that starts', withCode('57P03'), 'unreachable'],
    ['a server that stops', withCode('57P01'), 'unreachable'],
    ['a replica', withCode('25006'), 'read_only'],
    ['a certificate', withCode('DEPTH_ZERO_SELF_SIGNED_CERT'), 'unreachable'],
    ['a broken connection', new Error('Connection terminated unexpectedly'), 'unreachable'],
    ['a slow connection', new Error('timeout expired'), 'timeout'],
    ['a pool that is used up', new Error('timeout exceeded when trying to connect'), 'timeout'],
    ['a cancelled statement', withCode('57014'), 'timeout'],
    ['a handshake that fails', withCode('ERR_SSL_TLSV1_ALERT_UNKNOWN_CA'), 'unreachable'],
    ['a full disk', withCode('53100'), 'out_of_resources'],
    ['no memory left', withCode('53200'), 'out_of_resources'],
    ['a disk that fails', withCode('58030'), 'out_of_resources'],
    ['a database that was dropped', withCode('57P04'), 'not_found'],
    ['no connection left', withCode('53300'), 'too_many_connections'],
    ['a wrong password', withCode('28P01'), 'authentication_failed'],
    [
      'no password',
      new Error('SASL: SCRAM-SERVER-FIRST-MESSAGE: client password must be a string'),
      'authentication_failed',
    ],
    ['no database', withCode('3D000'), 'not_found'],
    ['no privilege', withCode('42501'), 'permission_denied'],
    ['no table', withCode('42P01'), 'schema_missing'],
    ['a broken statement', withCode('42601'), 'query_failed'],
    ['a broken constraint', withCode('23505'), 'query_failed'],
    ['something else', new TypeError('x is not a function'), 'query_failed'],
  ])('%s', (_name, error, fault) => {
    expect(databaseFault(error)).toBe(fault);
    expect(isOutage(error)).toBe(fault !== 'query_failed' && fault !== 'schema_missing');
  });
});

describe('explain', () => {
  const target = parseDatabaseUrl('postgres://app:hunter2@db.example.com:5433/FraiseQL');

  it.each([
    [withCode('ECONNREFUSED', 'connect ECONNREFUSED'), 'DatabaseUnreachable', 'db.example.com:5433', 'port'],
    [
      withCode('ENOTFOUND', 'getaddrinfo ENOTFOUND'),
      'DatabaseUnreachable',
      'db.example.com',
      'does not resolve',
    ],
    [
      withCode('57P03', 'the database system is starting up'),
      'DatabaseUnreachable',
      'starting up',
      'tried again',
    ],
    [withCode('53300', 'too many clients'), 'DatabaseUnreachable', 'no connection left', 'max_connections'],
    [
      withCode('28P01', 'password authentication failed'),
      'DatabaseAuthenticationFailed',
      '"app"',
      'password',
    ],
    [withCode('28000', 'no pg_hba.conf entry'), 'DatabaseAuthenticationFailed', 'pg_hba', 'LOGIN'],
    [withCode('3D000', 'no such database'), 'DatabaseNotFound', '"FraiseQL"', 'makes "fraiseql"'],
    [withCode('42501', 'permission denied for table x'), 'DatabasePermissionDenied', 'table x', 'GRANT'],
    [withCode('42P01', 'relation does not exist'), 'SchemaOutdated', 'relation', 'db migrate'],
    [
      withCode('08P01', 'unsupported startup parameter: statement_timeout'),
      'DatabaseUnreachable',
      'pooler',
      'ignore_startup_parameters',
    ],
    [
      withCode('SELF_SIGNED_CERT_IN_CHAIN', 'self-signed certificate'),
      'DatabaseUnreachable',
      'self-signed',
      'sslrootcert',
    ],
    [
      withCode('55P03', 'canceling statement due to lock timeout'),
      'TableLocked',
      '"FraiseQL" holds',
      'again',
    ],
    [
      withCode('57014', 'canceling statement'),
      'StatementTimedOut',
      'did not end in time',
      'pg_stat_activity',
    ],
    [withCode('42601', 'syntax error'), 'MigrationFailed', 'syntax error', 'run again'],
  ])('%s', (error, reason, inMessage, inHint) => {
    const explained = explain(error, target);
    expect(explained.reason).toBe(reason);
    expect(explained.message).toContain(inMessage);
    expect(explained.hint).toContain(inHint);
    expect(`${explained.message} ${explained.hint}`).not.toContain('hunter2');
    expect(explained.cause).toBe(error);
  });

  it('gives remedies that PostgreSQL takes, whatever the user is called', () => {
    const odd = {...target, user: 'Auth-"1"', database: 'auth-db'};
    const hint = (code: string): string => explain(withCode(code), odd).hint;
    expect(hint('42501')).toContain('ON SCHEMA _system TO "Auth-""1""";');
    expect(hint('42501')).toContain('ON ALL TABLES IN SCHEMA _system TO "Auth-""1""";');
    expect(hint('3D000')).toContain('CREATE DATABASE "auth-db" OWNER "Auth-""1""";');
  });

  it('keeps what is explained already', () => {
    const error = new DatabaseError('TableLocked', 'locked', 'wait');
    expect(explain(error, target)).toBe(error);
  });
});
