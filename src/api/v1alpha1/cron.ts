import {Cron} from 'croner';

const list = (value: string, last = value) => {
  // Of a single value there is no step here: `5/10` is 5-31/10 to Kubernetes, and an error to what reads it for the status.
  const step = '(/[1-9][0-9]?)?';
  const item = `(\\*${step}|${value}(-${last}${step})?)`;
  return `${item}(,${item})*`;
};
// Letter by letter: where `(?i:SUN)` is RE2 and JavaScript at once, only RE2 takes the long s (ſ) for an s.
const inAnyCase = (names: string) =>
  names.replaceAll(/[A-Z]/g, (letter) => `[${letter}${letter.toLowerCase()}]`);
const WEEKDAYS = 'MON|TUE|WED|THU|FRI|SAT';
const FIELDS = [
  list('[0-5]?[0-9]'),
  list('([01]?[0-9]|2[0-3])'),
  list('(0?[1-9]|[12][0-9]|3[01])'),
  list(`(0?[1-9]|1[0-2]|${inAnyCase('JAN|FEB|MAR|APR|MAY|JUN|JUL|AUG|SEP|OCT|NOV|DEC')})`),
  // Sunday is the first day of the week and ends no range: of FRI-SUN Kubernetes says that it runs backwards.
  list(`([0-6]|${inAnyCase(`SUN|${WEEKDAYS}`)})`, `([0-6]|${inAnyCase(WEEKDAYS)})`),
];

/** A schedule as Kubernetes reads it: five fields, or a word. What it cannot say is whether such a day ever comes. */
export const CRON = new RegExp(
  `^(@(yearly|annually|monthly|weekly|daily|midnight|hourly)|${FIELDS.join(' +')})$`,
);

/** When a schedule fires next. Where it names days of the month and of the week, either will do, as in Kubernetes. */
export function nextRun(schedule: string, after = new Date(), timezone?: string): Date | null {
  const cron = new Cron(schedule, {
    paused: true,
    domAndDow: false,
    ...(timezone !== undefined && {timezone}),
  });
  const next = cron.nextRun(after);
  cron.stop();
  return next;
}

// To look for the next run takes longer than all else of a check, and most resources have one of few schedules.
const good = new Set<string>();
const MAX_GOOD = 1000;

/** Why a schedule that is well written never runs, or undefined where it does. */
export function cronProblem(schedule: string): string | undefined {
  if (good.has(schedule)) return undefined;
  const problem = tried(schedule);
  if (problem === undefined && good.size < MAX_GOOD) good.add(schedule);
  return problem;
}

function tried(schedule: string): string | undefined {
  try {
    // A leap day that is also a given weekday comes at most 40 years from now.
    const next = nextRun(schedule);
    return next ? undefined : 'names a day that never comes: for every night at two write "0 2 * * *"';
  } catch (error) {
    const why = error instanceof Error ? error.message.replace(/^CronPattern: /, '') : String(error);
    return `is not a schedule (${why}): for every night at two write "0 2 * * *"`;
  }
}
