import {quoted} from '../database/quoted.ts';
import type {DatabaseTarget} from '../database/url.ts';

/** What the server says to whoever is no superuser; of an extension it says so too, and that has an answer of its own. */
const SUPERUSER_ONLY = /must be superuser|only superuser|permission denied (for language|to set parameter)/i;
/** What a statement of a dump makes: `EVENT TRIGGER audit`, `FUNCTION public.f(integer)`, `CAST (a AS b)`. */
const MADE =
  /^(?:CREATE(?: OR REPLACE)?|ALTER|COMMENT ON) ((?:[A-Z]+ )+(?:\([^)]*\)|(?:"(?:[^"]|"")*"|[^\s"(;])+(?:\([^)]*\))?))/;

/** What to do where the server refused a statement of a backup, by what psql said. */
export function restoreHint(said: string, statement: string, target: DatabaseTarget): string {
  const [, extension] = /permission denied to create extension "([^"]+)"/.exec(said) ?? [];
  if (extension !== undefined) {
    return `As a superuser run in database ${quoted(target.database)}: CREATE EXTENSION ${quoted(extension)}; then run the restore again. An extension that is there already is left as it is.`;
  }
  const [, missing] = /extension "([^"]+)" is not available/.exec(said) ?? [];
  if (missing !== undefined) {
    return `Install the extension ${quoted(missing)} on the server, or restore into one that has it; then run the restore again.`;
  }
  const [, wrapper] = /permission denied for foreign-data wrapper (\S+)/.exec(said) ?? [];
  if (wrapper !== undefined) {
    return `As a superuser run in database ${quoted(target.database)}: GRANT USAGE ON FOREIGN DATA WRAPPER ${quoted(wrapper)} TO ${quoted(target.user)}; then run the restore again.`;
  }
  if (SUPERUSER_ONLY.test(said)) return asSuperuser(statement, target);
  if (said.includes('permission denied')) {
    return `Let the user create there: GRANT CREATE ON DATABASE ${quoted(target.database)} TO ${quoted(target.user)}; or make it the owner.`;
  }
  if (said.includes('must be owner of')) {
    return 'Restore as the owner of the tables that are there, or into a fresh database.';
  }
  if (said.includes('already exists')) {
    return 'The backup is of a whole database, and a part of it beside the schema _system is there already: restore into a fresh database, and take from there what is missing.';
  }
  return 'Restore into a fresh, empty database: CREATE DATABASE …;';
}

/** Made by a superuser beforehand, it would be in the way: unlike an extension, a dump makes it in any case. */
function asSuperuser(statement: string, {user}: DatabaseTarget): string {
  const made = madeBy(statement) ?? 'The object that the message tells of';
  const role = quoted(user);
  return (
    `${made} is for a superuser to make. Where nobody else can write to the place of the backups, let the user be one ` +
    `for the restore: ALTER ROLE ${role} SUPERUSER; then run it again, and ALTER ROLE ${role} NOSUPERUSER; ` +
    'Or drop what nothing needs from the database that was backed up, and take another backup.'
  );
}

/** What a statement makes, by its kind and name; nothing else of it is told, for it may hold a password. */
export function madeBy(statement: string): string | undefined {
  // psql gives the comments before it as well.
  return MADE.exec(statement.replace(/^(\s*(--[^\n]*)?\n)*\s*/, ''))?.[1];
}
