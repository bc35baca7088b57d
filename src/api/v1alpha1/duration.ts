import {z} from 'zod';
import {withRules} from './rules.ts';

/** How a duration is written: hours, minutes and seconds, in this order. */
export const DURATION = /^([0-9]{1,6}h)?([0-9]{1,7}m)?([0-9]{1,9}s)?$/;

/** A duration such as `1h30m` in seconds; undefined where it is not written that way. */
export function durationSeconds(text: string): number | undefined {
  const found = text === '' ? null : DURATION.exec(text);
  if (found === null) return undefined;
  const [, hours = '0', minutes = '0', seconds = '0'] = found;
  return 3600 * Number.parseInt(hours, 10) + 60 * Number.parseInt(minutes, 10) + Number.parseInt(seconds, 10);
}

interface DurationOptions {
  /** The shortest and the longest that make sense, as durations. */
  readonly min: string;
  readonly max: string;
  readonly example: string;
  /** For what is counted in minutes further on. */
  readonly wholeMinutes?: boolean;
}

/** The schema of a duration between two bounds. */
export function duration({min, max, example, wholeMinutes = false}: DurationOptions): z.ZodString {
  const least = durationSeconds(min);
  const most = durationSeconds(max);
  if (least === undefined || most === undefined) throw new Error(`not durations: ${min}, ${max}`);
  const minutesRule = wholeMinutes ? ' && duration(self).getSeconds() % 60 == 0' : '';
  const minutesText = wholeMinutes ? 'in whole minutes, ' : '';
  return withRules(z.string().max(20), [
    {
      rule:
        `self.size() > 0 && self.matches('${DURATION.source}') && duration(self) >= duration('${min}')` +
        ` && duration(self) <= duration('${max}')${minutesRule}`,
      message: `must be a duration of hours (h), minutes (m) and seconds (s), ${minutesText}from ${min} to ${max}: for example ${example}`,
      holds: (value) => {
        const seconds = durationSeconds(value);
        return (
          seconds !== undefined &&
          seconds >= least &&
          seconds <= most &&
          !(wholeMinutes && seconds % 60 !== 0)
        );
      },
    },
  ]);
}
