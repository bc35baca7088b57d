import {z} from 'zod';
import type {RateLimits} from './configuration.ts';
import type {Variables} from './variables.ts';

const often = (standard: number) =>
  z
    .int('must be a whole number')
    .min(1, 'must be at least 1; RATE_LIMITS=Off lifts all of them')
    .max(1_000_000, 'must be at most 1000000')
    .default(standard);

/** `rateLimits` in AUTH_CONFIG_FILE. */
export const rateLimitsSchema = z.strictObject({
  startPerMinute: often(100),
  callbackPerMinute: often(50),
  refreshPerMinute: often(10),
  logoutPerMinute: often(20),
  failedLoginsPerHour: often(5),
});

const DEFAULT_RATE_LIMITS = rateLimitsSchema.parse({});

/** Undefined where they are switched off. A variable that is set wins over the file, limit by limit. */
export function readRateLimits(
  variables: Variables,
  file: RateLimits = DEFAULT_RATE_LIMITS,
): RateLimits | undefined {
  if (variables.RATE_LIMITS === 'Off') return undefined;
  return {
    startPerMinute: variables.RATE_LIMIT_START_PER_MINUTE ?? file.startPerMinute,
    callbackPerMinute: variables.RATE_LIMIT_CALLBACK_PER_MINUTE ?? file.callbackPerMinute,
    refreshPerMinute: variables.RATE_LIMIT_REFRESH_PER_MINUTE ?? file.refreshPerMinute,
    logoutPerMinute: variables.RATE_LIMIT_LOGOUT_PER_MINUTE ?? file.logoutPerMinute,
    failedLoginsPerHour: variables.RATE_LIMIT_FAILED_LOGINS_PER_HOUR ?? file.failedLoginsPerHour,
  };
}
