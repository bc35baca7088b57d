import * as fc from 'fast-check';
import {describe, expect, test} from 'vitest';
import {CRON, cronProblem, nextRun} from '../../../src/api/v1alpha1/cron.ts';
import {durationSeconds} from '../../../src/api/v1alpha1/duration.ts';
import {canonicalQuantity, quantityNanos} from '../../../src/api/v1alpha1/quantity.ts';

describe('durations', () => {
  test.each([
    ['1h30m', 5400],
    ['168h', 604_800],
    ['0s', 0],
    ['90s', 90],
  ])('%s is %d seconds', (text, seconds) => expect(durationSeconds(text)).toBe(seconds));

  test.each(['', '1', '1 h', '1.5h', '30m1h', '-1s', '1d', '1ms'])('%j is none', (text) =>
    expect(durationSeconds(text)).toBeUndefined(),
  );
});

describe('quantities', () => {
  test.each([
    ['1000m', '1'],
    ['0.5', '500m'],
    ['1024Mi', '1Gi'],
    ['1536Mi', '1536Mi'],
    ['0.5Gi', '512Mi'],
    ['2000k', '2M'],
    ['0', '0'],
    ['0Mi', '0'],
    ['1.5Gi', '1536Mi'],
    ['0.001Ki', '1024m'],
  ])('%s is %s in the API server', (text, canonical) => expect(canonicalQuantity(text)).toBe(canonical));

  test.each(['', 'lots', '1 Gi', '-1', '1e3', '1mi', '0.5m', '0.0001', '1.'])('%j is none', (text) =>
    expect(quantityNanos(text)).toBeUndefined(),
  );

  test('the canonical spelling is the same amount, and its own', () => {
    const text = fc
      .tuple(fc.integer({min: 0, max: 1e9}), fc.constantFrom('m', '', 'k', 'M', 'G', 'Ki', 'Mi', 'Gi'))
      .map(([number, suffix]) => `${number}${suffix}`);
    fc.assert(
      fc.property(text, (each) => {
        const canonical = canonicalQuantity(each);
        expect(quantityNanos(canonical)).toBe(quantityNanos(each));
        expect(canonicalQuantity(canonical)).toBe(canonical);
      }),
    );
  });
});

describe('schedules', () => {
  test.each([
    '0 2 * * *',
    '*/15 0-6 1,15 JAN-MAR MON-FRI',
    '0 2 5-31/10,*/7 * *',
    '@daily',
    '59 23 31 12 6',
    '0  2 * * *',
    '0 2 * * mon',
    '0 2 * Jan-mar sun,Tue-fri/2',
  ])('%s is one', (text) => {
    expect(text).toMatch(CRON);
    expect(cronProblem(text)).toBeUndefined();
  });

  test.each([
    '60 2 * * *',
    '0 24 * * *',
    '0 2 0 * *',
    '0 2 * 13 *',
    '0 2 * * 7',
    '0 2 * *',
    '0 2 * * * *',
    '@reboot',
    'CRON_TZ=UTC 0 2 * * *',
    '0 2 L * *',
    '0 2 * * MON#1',
    '*/0 * * * *',
    '0 2 5/10 * *',
    ' 0 2 * * *',
    '0 2 * * ſun',
    '0 2 * * FRI-SUN',
    '0 2 * * 5-sun',
    '@Daily',
  ])('%j is none', (text) => expect(text).not.toMatch(CRON));

  test('names of days and months mean the same in any case', () => {
    const after = new Date('2026-11-29T12:00:00Z');
    expect(nextRun('0 2 * jan,Feb mon', after, 'UTC')?.toISOString()).toBe('2027-01-04T02:00:00.000Z');
    expect(nextRun('0 2 * JAN,FEB MON', after, 'UTC')?.toISOString()).toBe('2027-01-04T02:00:00.000Z');
  });

  test.each(['0 0 30 2 *', '0 0 31 4,6,9,11 *'])('%s never comes', (text) =>
    expect(cronProblem(text)).toContain('never comes'),
  );

  test('a range from high to low is named', () =>
    expect(cronProblem('0 5-2 * * *')).toContain('is not a schedule'));
});
