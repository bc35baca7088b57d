import {loadConfiguration} from '../../support/configuration/load.ts';
import {ConfigurationError} from '../../support/configuration/problems.ts';
import {runJob, type JobKind} from '../../support/job.ts';
import {PROVIDER_TYPES} from '../providers/catalogue.ts';
import {databaseUrlProblem} from '../database-url.ts';
import {check as checkConfiguration} from './check.ts';
import {CheckError} from './problem.ts';

const CHECK: JobKind = {
  name: 'check',
  reason: 'CheckFailed',
  interrupted: 'It changes nothing. Run it again.',
};

/**
 * `fraiseql-auth check`: whether this image would serve with this environment, its files and these providers. Returns
 * the exit code; the outcome goes to the log and to TERMINATION_LOG.
 */
export function check(): Promise<number> {
  return runJob(CHECK, async ({env, logger}) => {
    try {
      const {configuration} = loadConfiguration({
        env,
        development: false,
        providerTypes: PROVIDER_TYPES,
        databaseUrlProblem,
      });
      return await checkConfiguration(configuration, logger);
    } catch (error) {
      if (!(error instanceof ConfigurationError)) throw error;
      throw new CheckError(
        'ConfigurationInvalid',
        `The configuration cannot be used: ${error.problems.join('; ')}`,
        'Correct what is named in the spec or in the Secret.',
      );
    }
  });
}
