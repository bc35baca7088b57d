import {beforeEach, describe, expect, it} from 'vitest';
import {Dependency} from '../../../src/server/health/dependency.ts';
import type {Clock} from '../../../src/support/clock.ts';

/** A clock that the test moves. */
class TestClock implements Clock {
  time = 0;
  timers: {at: number; run: () => void}[] = [];
  now = (): number => this.time;
  monotonic = (): number => this.time;

  setTimeout(run: () => void, ms: number): {cancel(): void} {
    const timer = {at: this.time + ms, run};
    this.timers.push(timer);
    return {
      cancel: () => {
        this.timers = this.timers.filter((other) => other !== timer);
      },
    };
  }

  async advance(ms: number): Promise<void> {
    const end = this.time + ms;
    for (;;) {
      const next = this.timers.filter(({at}) => at <= end).sort((a, b) => a.at - b.at)[0];
      if (!next) break;
      this.timers = this.timers.filter((other) => other !== next);
      this.time = next.at;
      next.run();
      // Lets the probe's promises settle.
      await new Promise((resolve) => setImmediate(resolve));
    }
    this.time = end;
  }
}

let clock: TestClock;
let probes: number[];
let broken: string | undefined;
let changes: string[];

function dependency(threshold: number): Dependency {
  return new Dependency({
    name: 'it',
    probe: async () => {
      probes.push(clock.time);
      if (broken !== undefined) throw new Error(broken);
    },
    fault: (error) => (error as Error).message,
    clock,
    goodMs: 60_000,
    badMs: 10_000,
    threshold,
    onChange: (state, fault) => changes.push(`${state}${fault === undefined ? '' : `:${fault}`}`),
  });
}

beforeEach(() => {
  clock = new TestClock();
  probes = [];
  changes = [];
  broken = undefined;
});

describe('a dependency', () => {
  it('is probed once a minute while it is well', async () => {
    await dependency(2).start();
    await clock.advance(120_000);
    expect(probes).toEqual([0, 60_000, 120_000]);
    expect(changes).toEqual(['up']);
  });

  it('is down after two failures, a second apart, then probed every ten, and up with the first success', async () => {
    const watched = dependency(2);
    await watched.start();
    broken = 'unreachable';
    await clock.advance(81_000);
    expect(probes).toEqual([0, 60_000, 61_000, 71_000, 81_000]);
    expect(changes).toEqual(['up', 'down:unreachable']);
    broken = undefined;
    await clock.advance(10_000);
    expect(watched.state).toBe('up');
    expect(changes).toEqual(['up', 'down:unreachable', 'up']);
  });

  it('does not fall over one failure', async () => {
    const watched = dependency(2);
    await watched.start();
    broken = 'timeout';
    watched.suspect();
    await clock.advance(1_000);
    broken = undefined;
    await clock.advance(1_000);
    expect(changes).toEqual(['up']);
  });

  it('is probed soon when suspected, once for many suspicions', async () => {
    const watched = dependency(1);
    await watched.start();
    for (let count = 0; count < 100; count++) watched.suspect();
    await clock.advance(5_000);
    expect(probes).toEqual([0, 1_000]);
  });

  it('is probed at once when it is down and answered elsewhere, and not when it is up', async () => {
    const watched = dependency(1);
    await watched.start();
    watched.answered();
    await clock.advance(59_999);
    expect(probes).toEqual([0]);
    broken = 'unreachable';
    await clock.advance(1_001);
    expect(probes).toEqual([0, 60_000]);
    broken = undefined;
    watched.answered();
    await clock.advance(0);
    expect(probes).toEqual([0, 60_000, 61_000]);
    expect(changes).toEqual(['up', 'down:unreachable', 'up']);
  });

  it('is probed again when it answered elsewhere while a probe that fails was under way', async () => {
    const watched = dependency(1);
    broken = 'unreachable';
    await watched.start();
    const probe = watched.start();
    watched.answered();
    await probe;
    broken = undefined;
    await clock.advance(0);
    expect(probes).toEqual([0, 0, 0]);
    expect(watched.state).toBe('up');
    await clock.advance(59_999);
    expect(probes).toHaveLength(3);
  });

  it('says when the fault becomes another', async () => {
    broken = 'unreachable';
    await dependency(1).start();
    broken = 'authentication_failed';
    await clock.advance(10_000);
    expect(changes).toEqual(['down:unreachable', 'down:authentication_failed']);
  });

  it('says nothing more once it is stopped, whatever its probe then finds', async () => {
    let end = (): void => {};
    const watched = new Dependency({
      name: 'it',
      probe: () => new Promise((resolve) => (end = resolve)),
      fault: () => 'unreachable',
      clock,
      goodMs: 60_000,
      badMs: 10_000,
      threshold: 1,
      onChange: (state) => changes.push(state),
    });
    const probe = watched.start();
    watched.stop();
    end();
    await probe;
    watched.record(new Error('of real work'));
    expect(changes).toEqual([]);
    const again = watched.start();
    end();
    await again;
    expect(changes).toEqual(['up']);
  });

  it('is left alone when stopped', async () => {
    const watched = dependency(1);
    await watched.start();
    watched.stop();
    watched.suspect();
    await clock.advance(600_000);
    expect(probes).toEqual([0]);
  });
});
