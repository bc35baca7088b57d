import * as fc from 'fast-check';
import {describe, expect, it} from 'vitest';
import {expired, newestOf, type GoodBackup} from '../../../src/backup/retention.ts';

const DAY = 86_400_000;
const NOW = Date.UTC(2026, 10, 23, 2);
const backup = (name: string, days: number): GoodBackup => ({name, completedAt: NOW - days * DAY});
const names = (backups: readonly GoodBackup[]): string[] => backups.map(({name}) => name);

describe('expired', () => {
  it('lets go of what is older than the maximum age', () => {
    const backups = [backup('a', 45), backup('b', 31), backup('c', 30), backup('d', 1)];
    expect(names(expired(backups, NOW, 30 * DAY))).toEqual(['a', 'b']);
  });

  it('keeps the newest, however old it is', () => {
    expect(names(expired([backup('a', 400), backup('b', 500)], NOW, 30 * DAY))).toEqual(['b']);
    expect(expired([backup('a', 400)], NOW, 30 * DAY)).toEqual([]);
    expect(expired([], NOW, 30 * DAY)).toEqual([]);
  });

  it('keeps one of the future, which a clock that was ahead has made, and the newest beside it', () => {
    const backups = [backup('a', -3), backup('b', 40), backup('c', 50)];
    expect(names(expired(backups, NOW, 30 * DAY))).toEqual(['c']);
  });

  it('never the newest, never one within the age, and all the others', () => {
    const some = fc.array(
      fc.record({name: fc.string(), completedAt: fc.integer({min: NOW - 90 * DAY, max: NOW + DAY})}),
    );
    fc.assert(
      fc.property(some, fc.integer({min: 1, max: 60 * DAY}), (backups, maxAge) => {
        const gone = new Set(expired(backups, NOW, maxAge));
        const newest = newestOf(backups, NOW);
        const kept = backups.filter((each) => !gone.has(each));
        expect(newest === undefined || kept.includes(newest)).toBe(true);
        const times = backups.map((each) => each.completedAt).sort((a, b) => b - a);
        expect(newest?.completedAt).toBe(times.find((time) => time <= NOW + 3_600_000) ?? times[0]);
        for (const each of gone) expect(NOW - each.completedAt).toBeGreaterThan(maxAge);
        for (const each of kept) {
          expect(NOW - each.completedAt <= maxAge || each === newest).toBe(true);
        }
      }),
    );
  });
});

describe('the newest', () => {
  it('is none of the future, where there is another', () => {
    expect(newestOf([backup('a', -730), backup('b', 2), backup('c', 1)], NOW)?.name).toBe('c');
    expect(newestOf([backup('a', -730), backup('b', -731)], NOW)?.name).toBe('b');
  });

  it('may be of a clock that is a little ahead', () => {
    expect(newestOf([backup('a', -1 / 48), backup('b', 1)], NOW)?.name).toBe('a');
  });
});
