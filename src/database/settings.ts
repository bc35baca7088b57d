import {z} from 'zod';
import {Findings} from '../support/configuration/problems.ts';
import {Sources} from '../support/configuration/sources.ts';
import {DatabaseError} from './errors.ts';

/**
 * DATABASE_URL, or the content of the file that DATABASE_URL_FILE names.
 * Throws DatabaseError(DatabaseURLInvalid) where neither is set or the file cannot be read.
 */
export function databaseUrlFrom(env: NodeJS.ProcessEnv): string {
  const url = secretFrom(env, 'DATABASE_URL', (message, hint) => {
    return new DatabaseError('DatabaseURLInvalid', message, hint);
  });
  if (url) return url;
  throw new DatabaseError(
    'DatabaseURLInvalid',
    'neither DATABASE_URL nor DATABASE_URL_FILE is set',
    'Set DATABASE_URL to postgres://USER:PASSWORD@HOST:5432/DATABASE, or DATABASE_URL_FILE to a file that holds it.',
  );
}

/**
 * NAME, or the trimmed content of the file that NAME_FILE names; undefined where neither is set. Fails where both are, as
 * the server does.
 */
export function secretFrom(
  env: NodeJS.ProcessEnv,
  name: string,
  fail: (message: string, hint: string) => Error,
): string | undefined {
  const findings = new Findings();
  const value = new Sources(env, findings).secret(name);
  const [problem] = findings.problems;
  if (problem === undefined) return value;
  throw fail(
    problem,
    `Set ${name}, or ${name}_FILE to a file that holds the value (a mounted Secret, say), and not both.`,
  );
}

const seconds = (fallback: number, least: number): z.ZodType<number> =>
  z.preprocess(
    (value) => (value === undefined || value === '' ? fallback : Number(value)),
    z.number('must be a number of seconds').min(least).max(86_400),
  );

const migrationSettings = z.object({
  MIGRATION_TIMEOUT_SECONDS: seconds(600, 1),
  MIGRATION_WAIT_SECONDS: seconds(0, 0),
});

/** How long a migration may take, and how long it first waits for a database that does not answer yet. */
export function migrationSettingsFrom(env: NodeJS.ProcessEnv): {timeoutMs: number; waitMs: number} {
  const parsed = migrationSettings.safeParse(env);
  if (!parsed.success) {
    const problems = parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`);
    throw new DatabaseError(
      'MigrationFailed',
      problems.join('; '),
      'Give the time in seconds, for example 600, or leave the variable unset.',
    );
  }
  return {
    timeoutMs: parsed.data.MIGRATION_TIMEOUT_SECONDS * 1_000,
    waitMs: parsed.data.MIGRATION_WAIT_SECONDS * 1_000,
  };
}
