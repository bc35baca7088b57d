const UNITS: readonly (readonly [name: Intl.RelativeTimeFormatUnit, seconds: number])[] = [
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
];

const FORMAT = new Intl.RelativeTimeFormat('en', {numeric: 'always'});

/** A time, told from now: "just now", "5 minutes ago", "in 3 days". Both in seconds since the epoch. */
export function ago(seconds: number, now: number): string {
  const distance = seconds - now;
  for (const [name, length] of UNITS) {
    // A second short of a week is a week to a person: to the nearest, not down.
    const count = Math.round(distance / length);
    if (Math.abs(count) >= (name === 'minute' ? 1 : 2)) return FORMAT.format(count, name);
  }
  return distance > 0 ? 'in a moment' : 'just now';
}
