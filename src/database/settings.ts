import {readFileSync} from 'node:fs';
import {z} from 'zod';
import {isCertificate} from '../support/certificate.ts';
import {Findings} from '../support/configuration/problems.ts';
import {Sources} from '../support/configuration/sources.ts';
import {codeOf} from '../support/error-code.ts';
import {DatabaseError} from './errors.ts';
import {withAuthority} from './url.ts';

/**
 * DATABASE_URL, or the content of the file that DATABASE_URL_FILE names; with the authority that DATABASE_CA_FILE names.
 * Throws DatabaseError(DatabaseURLInvalid) where neither is set, a file cannot be read, or they contradict each other.
 */
export function databaseUrlFrom(env: NodeJS.ProcessEnv): string {
  const url = secretFrom(env, 'DATABASE_URL', invalid);
  if (url === undefined) {
    throw invalid(
      'neither DATABASE_URL nor DATABASE_URL_FILE is set',
      'Set DATABASE_URL to postgres://USER:PASSWORD@HOST:5432/DATABASE, or DATABASE_URL_FILE to a file that holds it.',
    );
  }
  const caFile = env['DATABASE_CA_FILE']?.trim();
  if (!caFile) return url;
  if (!isCertificate(authorityIn(caFile))) {
    throw invalid(
      `DATABASE_CA_FILE names ${caFile}, which holds no certificate`,
      "Write the certificate of the authority that signed the database's into it, in PEM form.",
    );
  }
  return withAuthority(url, caFile);
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

function invalid(message: string, hint: string, cause?: unknown): DatabaseError {
  return new DatabaseError('DatabaseURLInvalid', message, hint, cause);
}

function authorityIn(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw invalid(
      `DATABASE_CA_FILE names ${file}, which cannot be read (${codeOf(error)})`,
      'Correct DATABASE_CA_FILE, or mount the Secret that holds the file.',
      error,
    );
  }
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
