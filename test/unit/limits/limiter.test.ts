import {describe, expect, it} from 'vitest';
import {Limiter} from '../../../src/server/limits/limiter.ts';
import {networkOf} from '../../../src/server/limits/network.ts';
import {systemClock} from '../../../src/support/clock.ts';

function clockAt(start = 1_000) {
  let now = start;
  return {clock: {...systemClock, monotonic: () => now}, pass: (ms: number) => void (now += ms)};
}

/** How many of so many tries at once get through. */
function passing(limiter: Limiter, tries: number, key = 'a'): number {
  let passed = 0;
  for (let i = 0; i < tries; i++) {
    if (limiter.wait(key) > 0) continue;
    limiter.count(key);
    passed += 1;
  }
  return passed;
}

describe('a limiter', () => {
  it.each([1, 3, 5, 7, 10, 20, 50, 100])(
    'of %i lets as many through at once, and each key for itself',
    (limit) => {
      const {clock} = clockAt();
      const limiter = new Limiter(limit, 60_000, clock);
      expect(passing(limiter, limit * 2)).toBe(limit);
      expect(passing(limiter, 1, 'b')).toBe(1);
    },
  );

  it('says exactly when the next may come', () => {
    const {clock, pass} = clockAt();
    const limiter = new Limiter(5, 3_600_000, clock);
    passing(limiter, 5);
    expect(limiter.wait('a')).toBe(720);
    pass(719_000);
    expect(limiter.wait('a')).toBe(1);
    pass(1_000);
    expect(limiter.wait('a')).toBe(0);
    expect(passing(limiter, 5)).toBe(1);
    pass(3_600_000);
    expect(passing(limiter, 10)).toBe(5);
  });

  it('says at least a second, for Retry-After: 0 would be now', () => {
    const {clock} = clockAt();
    const limiter = new Limiter(100, 60_000, clock);
    passing(limiter, 100);
    expect(limiter.wait('a')).toBe(1);
  });

  it('keeps no more keys than it may, and forgets those at rest first', () => {
    const {clock, pass} = clockAt();
    const limiter = new Limiter(2, 60_000, clock, 100);
    for (let i = 0; i < 1_000; i++) limiter.count(`old-${i}`);
    expect(limiter.size).toBe(100);
    pass(120_000);
    limiter.count('fresh');
    expect(limiter.size).toBe(1);
  });
});

describe('an address', () => {
  it.each([
    ['192.0.2.1', '192.0.2.1'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:db8:1:2::9', '2001:db8:1:2::/64'],
    ['2001:0DB8:0001:0002:ffff::', '2001:db8:1:2::/64'],
    ['2001:db8::1', '2001:db8:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
  ])('%s counts as %s', (address, network) => {
    expect(networkOf(address)).toBe(network);
  });
});
