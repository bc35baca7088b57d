// What of the time before now a client could not ask in.
import {describe, expect, it} from 'vitest';
import {Outages} from '../../../src/server/health/outages.ts';
import type {Metrics} from '../../../src/server/metrics.ts';
import {Sweeper} from '../../../src/server/sweeper.ts';
import {systemClock} from '../../../src/support/clock.ts';
import {createLogger} from '../../../src/support/logging.ts';

let seconds = 0;
const clock = {...systemClock, monotonic: () => seconds * 1000};

function outages(...seen: readonly (readonly [at: number, what: 'answered' | 'failed'])[]): Outages {
  seconds = 0;
  const all = new Outages(clock);
  for (const [at, what] of seen) {
    seconds = at;
    all[what]();
  }
  return all;
}

describe('the outages of the database', () => {
  it('are none while it answers, however seldom it is asked', () => {
    expect(outages([0, 'answered'], [100, 'answered']).within(30)).toBe(0);
  });

  it('last from its last answer to the next, and count for one window after', () => {
    const all = outages([10, 'answered'], [12, 'failed'], [14, 'failed'], [50, 'answered']);
    expect(all.within(30)).toBe(40);
    seconds = 79.9;
    expect(all.within(30)).toBe(40);
    seconds = 80;
    expect(all.within(30)).toBe(0);
  });

  it('count while they last', () => {
    const all = outages([10, 'answered'], [12, 'failed']);
    seconds = 50;
    expect(all.within(30)).toBe(40);
  });

  it('count from the start of a process that could not reach it', () => {
    expect(outages([1, 'failed'], [20, 'answered']).within(30)).toBe(20);
  });

  it('are added up as long as no whole window lies between', () => {
    const all = outages(
      [0, 'answered'],
      [1, 'failed'],
      [20, 'answered'],
      [30, 'answered'],
      [31, 'failed'],
      [45, 'answered'],
    );
    // 15 s of outage, 10 s without, 20 s of outage.
    expect(all.within(30)).toBe(35);
    expect(all.within(10)).toBe(15);
    seconds = 65;
    expect(all.within(30)).toBe(15);
  });

  it('count for an hour at most, and not at all where nothing may be presented again', () => {
    const all = outages([0, 'answered'], [1, 'failed'], [90_000, 'answered']);
    expect(all.within(30)).toBe(3_600);
    expect(all.within(0)).toBe(0);
  });
});

it('successors are kept as long as they may be asked for', async () => {
  const asked: unknown[] = [];
  const sweeper = new Sweeper({
    database: {
      down: false,
      outages: outages([0, 'answered'], [1, 'failed'], [40, 'answered']),
      query({name}: {name: string}, values: readonly unknown[]) {
        asked.push([name, ...values]);
        return Promise.resolve([]);
      },
    },
    sessions: {replayWindowSeconds: 30},
    clock,
    logger: createLogger({component: 'server', level: 'silent'}),
    metrics: {swept() {}, sweepFailed() {}} satisfies Pick<Metrics, 'swept' | 'sweepFailed'>,
  });
  await sweeper.sweep();
  expect(asked[0]).toEqual(['sweep-successors', 70]);
});
