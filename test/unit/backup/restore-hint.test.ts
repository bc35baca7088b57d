import {describe, expect, it} from 'vitest';
import {parseDatabaseUrl} from '../../../src/database/url.ts';
import {madeBy, restoreHint} from '../../../src/backup/restore-hint.ts';

const TARGET = parseDatabaseUrl('postgres://app:secret@db/auth');

describe('what a statement of a dump makes', () => {
  it.each([
    ['CREATE EVENT TRIGGER audit ON ddl_command_end\n   EXECUTE FUNCTION public.f();', 'EVENT TRIGGER audit'],
    [
      'CREATE FUNCTION public.f(integer, text) RETURNS text LANGUAGE c AS …',
      'FUNCTION public.f(integer, text)',
    ],
    ['CREATE OPERATOR CLASS public."My ""Ops"""\n    FOR TYPE integer', 'OPERATOR CLASS public."My ""Ops"""'],
    ['CREATE OPERATOR public.=== (\n    FUNCTION = public.eq', 'OPERATOR public.==='],
    ['CREATE CAST (public.a AS text) WITHOUT FUNCTION;', 'CAST (public.a AS text)'],
    ['CREATE TYPE public.t (\n    INTERNALLENGTH = 8', 'TYPE public.t'],
    ['CREATE OR REPLACE PROCEDURAL LANGUAGE plx;', 'PROCEDURAL LANGUAGE plx'],
    ['--\n-- Name: p; Type: PUBLICATION\n--\n\nCREATE PUBLICATION p FOR ALL TABLES;', 'PUBLICATION p'],
    ["CREATE USER MAPPING FOR app SERVER s OPTIONS (password 'secret');", 'USER MAPPING FOR app'],
    ['SELECT 1 / 0;', undefined],
    ['', undefined],
  ])('%s', (statement, made) => expect(madeBy(statement)).toBe(made));
});

describe('where a superuser is needed the hint names the object and how the user becomes one', () => {
  it.each([
    'permission denied to create event trigger "audit" HINT:  Must be superuser to create an event trigger.',
    'permission denied for language c',
    'must be superuser to create an operator class',
    'only superuser can define a leakproof function',
    'permission denied to set parameter "session_replication_role"',
  ])('%s', (said) => {
    const hint = restoreHint(
      `psql:<stdin>:7: ERROR:  ${said}`,
      'CREATE FUNCTION public.f() RETURNS…',
      TARGET,
    );
    expect(hint).toMatch(/^FUNCTION public\.f\(\) is for a superuser to make/);
    expect(hint).toContain('ALTER ROLE "app" SUPERUSER;');
    expect(hint).toContain('ALTER ROLE "app" NOSUPERUSER;');
  });

  it('also where psql does not tell the statement', () =>
    expect(restoreHint('must be superuser to create a base type', '', TARGET)).toMatch(
      /^The object that the message tells of is for a superuser to make/,
    ));

  it('and not where a right will do', () => {
    const server = 'CREATE SERVER s FOREIGN DATA WRAPPER postgres_fdw;';
    expect(restoreHint('permission denied for foreign-data wrapper postgres_fdw', server, TARGET)).toContain(
      'GRANT USAGE ON FOREIGN DATA WRAPPER "postgres_fdw" TO "app";',
    );
    expect(restoreHint('permission denied for database auth', 'CREATE SCHEMA x;', TARGET)).toContain(
      'GRANT CREATE ON DATABASE "auth" TO "app"',
    );
  });
});
