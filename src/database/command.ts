import {systemClock} from '../support/clock.ts';
import {runJob, type JobKind} from '../support/job.ts';
import {reportOutcome} from '../support/outcome.ts';
import type {DatabaseReason} from './errors.ts';
import {migrateDatabase} from './migrate.ts';
import {databaseUrlFrom, migrationSettingsFrom} from './settings.ts';
import {renderReport, verifyDatabase} from './verify.ts';

const MIGRATE: JobKind = {
  name: 'migrate',
  reason: 'MigrationFailed',
  interrupted:
    'The migration that was under way is undone, those before it stay. Run it again: it goes on from there.',
};

/** `fraiseql-auth db migrate`. Returns the exit code; the outcome goes to the log and to TERMINATION_LOG. */
export function migrate(): Promise<number> {
  return runJob(MIGRATE, async ({env, logger, signal}) => {
    const settings = migrationSettingsFrom(env);
    const url = databaseUrlFrom(env);
    return {...(await migrateDatabase({url, ...settings, clock: systemClock, logger, signal}))};
  });
}

/**
 * `fraiseql-auth db verify`: prints each check with its result, and what to do about those that fail.
 * Returns 0 where the database is fit for this version, else 1.
 */
export async function verify(options: {json?: boolean} = {}): Promise<number> {
  const report = await verifyDatabase(() => databaseUrlFrom(process.env));
  process.stdout.write(options.json ? `${JSON.stringify(report, null, 2)}\n` : renderReport(report));
  const failed = report.checks.find(({state}) => state === 'failed');
  await reportOutcome(
    failed
      ? {
          ok: false,
          kind: 'verify',
          reason: report.reason ?? ('VerificationFailed' satisfies DatabaseReason),
          message: `${failed.name}: ${failed.message}`,
          hint: failed.hint ?? '',
        }
      : {ok: true, kind: 'verify', detail: {checks: report.checks.length}},
  );
  return failed ? 1 : 0;
}
