import * as fc from 'fast-check';
import {describe, expect, test} from 'vitest';
import {WorkQueue, type HandlerResult, type WorkQueueOptions} from '../../../src/kube/workqueue.ts';
import {FakeClock, settle} from './fake-clock.ts';

interface Running {
  readonly key: string;
  readonly at: number;
  readonly signal: AbortSignal;
  finish(result?: HandlerResult): Promise<void>;
  fail(): Promise<void>;
}

/** A queue whose handlers end when the test says so. */
function setUp(options: Partial<WorkQueueOptions> = {}): {
  clock: FakeClock;
  queue: WorkQueue;
  running: Running[];
  taken: string[];
  done: Promise<void>;
} {
  const clock = new FakeClock();
  const queue = new WorkQueue({
    clock,
    concurrency: 1,
    backoff: {baseMs: 100, maxMs: 10_000},
    random: () => 1,
    ...options,
  });
  const running: Running[] = [];
  const taken: string[] = [];
  const done = queue.run((key, signal) => {
    taken.push(key);
    const {promise, resolve, reject} = Promise.withResolvers<HandlerResult | undefined>();
    const entry: Running = {
      key,
      signal,
      at: clock.monotonic(),
      async finish(result) {
        running.splice(running.indexOf(entry), 1);
        resolve(result);
        await settle();
      },
      async fail() {
        running.splice(running.indexOf(entry), 1);
        reject(new Error('no'));
        await settle();
      },
    };
    running.push(entry);
    return promise.then((result) => result ?? undefined);
  });
  return {clock, queue, running, taken, done};
}

test('a key that is added often waits once', async () => {
  const {queue, running, taken} = setUp();
  queue.add('first');
  for (let add = 0; add < 5; add++) queue.add('second');
  expect(queue.depth).toBe(1);
  await running[0]?.finish();
  await running[0]?.finish();
  expect(taken).toEqual(['first', 'second']);
});

test('an add during its handling has the key handled again, after and not beside it', async () => {
  const {queue, running, taken} = setUp({concurrency: 4});
  queue.add('a');
  queue.add('a');
  queue.add('a');
  expect(running).toHaveLength(1);
  await running[0]?.finish();
  expect(taken).toEqual(['a', 'a']);
  await running[0]?.finish();
  expect(taken).toEqual(['a', 'a']);
});

test('a failing key backs off exponentially up to the cap, alone, and starts over after a success', async () => {
  const {clock, queue, running, taken} = setUp({concurrency: 2});
  queue.add('bad');
  const waits: number[] = [];
  for (let failure = 0; failure < 9; failure++) {
    const failedAt = clock.monotonic();
    await running[0]?.fail();
    queue.add(`good-${failure}`);
    await running[0]?.finish();
    while (running.length === 0) await clock.advance(50);
    waits.push(clock.monotonic() - failedAt);
  }
  expect(waits).toEqual([100, 200, 400, 800, 1600, 3200, 6400, 10_000, 10_000]);
  expect(taken.filter((key) => key.startsWith('good'))).toHaveLength(9);
  expect(queue.failures('bad')).toBe(9);
  await running[0]?.finish();
  expect(queue.failures('bad')).toBe(0);
  queue.add('bad');
  const failedAt = clock.monotonic();
  await running[0]?.fail();
  await clock.advance(100);
  expect(running[0]?.at).toBe(failedAt + 100);
});

test('the back-off has jitter: between half of it and all of it', async () => {
  for (const [random, expected] of [
    [0, 50],
    [0.5, 75],
    [1, 100],
  ] as const) {
    const delays: number[] = [];
    const {queue, running} = setUp({random: () => random, onError: (_key, _error, ms) => delays.push(ms)});
    queue.add('a');
    await running[0]?.fail();
    expect(delays).toEqual([expected]);
  }
});

test('adds bring the next try of a failing key forward, to a second after the last and no nearer', async () => {
  const {clock, queue, running} = setUp({backoff: {baseMs: 60_000, maxMs: 60_000}});
  queue.add('bad');
  await running[0]?.fail();
  for (let add = 0; add < 100; add++) {
    queue.add('bad');
    await clock.advance(9);
  }
  expect(running).toHaveLength(0);
  await clock.advance(100);
  expect(running[0]?.at).toBe(1000);
});

test('an add while a key is being handled and then fails does not break its back-off', async () => {
  const {clock, queue, running} = setUp({backoff: {baseMs: 60_000, maxMs: 60_000}});
  queue.add('bad');
  queue.add('bad');
  await running[0]?.fail();
  await clock.advance(999);
  expect(running).toHaveLength(0);
  await clock.advance(1);
  expect(running).toHaveLength(1);
});

test('of several delays the shortest counts, and an add at once does away with them', async () => {
  const {clock, queue, running, taken} = setUp();
  queue.addAfter('a', 5000);
  queue.addAfter('a', 1000);
  queue.addAfter('a', 3000);
  await clock.advance(1000);
  expect(running[0]?.at).toBe(1000);
  await running[0]?.finish({requeueAfterMs: 2000});
  await clock.advance(500);
  queue.add('a');
  await running[0]?.finish();
  await clock.advance(60_000);
  expect(taken).toEqual(['a', 'a']);
});

test('what a handler asks for comes back then', async () => {
  const {clock, queue, running} = setUp();
  queue.add('a');
  await running[0]?.finish({requeueAfterMs: 30_000});
  await clock.advance(29_999);
  expect(running).toHaveLength(0);
  await clock.advance(1);
  expect(running).toHaveLength(1);
});

test('no more at once than the concurrency, and first come, first served', async () => {
  const {queue, running, taken} = setUp({concurrency: 3});
  for (const key of ['a', 'b', 'c', 'd', 'e']) queue.add(key);
  expect(taken).toEqual(['a', 'b', 'c']);
  await running[1]?.finish();
  expect(taken).toEqual(['a', 'b', 'c', 'd']);
});

test('what was of low priority comes back with it', async () => {
  const {clock, queue, running, taken} = setUp();
  queue.add('low', 'low');
  await settle();
  await running[0]?.finish({requeueAfterMs: 100});
  queue.add('busy');
  await clock.advance(100);
  queue.add('later');
  for (let step = 0; step < 3; step++) await running[0]?.finish();
  expect(taken).toEqual(['low', 'busy', 'later', 'low']);
});

test('low priority lets the others pass, is raised by a normal add, and is never starved', async () => {
  const {queue, running, taken} = setUp();
  queue.add('busy');
  for (let key = 0; key < 3; key++) queue.add(`low-${key}`, 'low');
  queue.add('low-2');
  for (let key = 0; key < 20; key++) queue.add(`normal-${key}`);
  for (let step = 0; step < 12; step++) await running[0]?.finish();
  expect(taken[1]).toBe('low-2');
  expect(taken.slice(0, 9).filter((key) => key.startsWith('low'))).toEqual(['low-2', 'low-0']);
  expect(queue.depth).toBeGreaterThan(0);
});

test('shutdown aborts the signal, takes nothing more, and waits for what runs', async () => {
  const {clock, queue, running, taken, done} = setUp();
  queue.add('a');
  queue.add('b');
  queue.addAfter('c', 100);
  let ended = false;
  const shutdown = queue.shutdown().then(() => {
    ended = true;
    return ended;
  });
  await settle();
  expect(running[0]?.signal.aborted).toBe(true);
  expect(ended).toBe(false);
  await running[0]?.finish({requeueAfterMs: 5});
  await Promise.all([shutdown, done]);
  queue.add('d');
  await clock.advance(1000);
  expect(taken).toEqual(['a']);
  expect(clock.timers).toBe(0);
});

test('depth, adds, retries and times are told to the metrics', async () => {
  const told = {depth: [] as number[], added: 0, retried: 0, waited: [] as number[], worked: [] as number[]};
  const {clock, queue, running} = setUp({
    metrics: {
      depth: (depth) => told.depth.push(depth),
      added: () => told.added++,
      retried: () => told.retried++,
      waited: (seconds) => told.waited.push(seconds),
      worked: (seconds) => told.worked.push(seconds),
    },
  });
  queue.add('a');
  queue.add('b');
  await clock.advance(2000);
  await running[0]?.fail();
  await running[0]?.finish();
  expect(told).toEqual({depth: [1, 0, 1, 0], added: 2, retried: 1, waited: [0, 2], worked: [2, 0]});
});

test('whatever happens: never one key twice at once, no add is lost, no key runs for nothing', async () => {
  const key = fc.constantFrom('a', 'b', 'c');
  const step = fc.oneof(
    fc.record({do: fc.constant('add' as const), key, low: fc.boolean()}),
    fc.record({do: fc.constant('addAfter' as const), key, ms: fc.integer({min: 0, max: 500})}),
    fc.record({do: fc.constant('finish' as const), pick: fc.nat(3), requeue: fc.option(fc.nat(300))}),
    fc.record({do: fc.constant('fail' as const), pick: fc.nat(3)}),
    fc.record({do: fc.constant('advance' as const), ms: fc.integer({min: 1, max: 2000})}),
  );
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, {maxLength: 60}),
      fc.integer({min: 1, max: 3}),
      async (steps, concurrency) => {
        const {clock, queue, running, taken} = setUp({concurrency});
        // Keys that have been added since they were last taken: each of them is owed a run.
        const owed = new Set<string>();
        // How often it has been asked for, less its runs: it never runs more often than that.
        const asked = new Map<string, number>();
        const owe = (key: string): void => {
          owed.add(key);
          asked.set(key, (asked.get(key) ?? 0) + 1);
        };
        let seen = 0;
        const look = (): void => {
          expect(new Set(running.map((one) => one.key)).size).toBe(running.length);
          expect(running.length).toBeLessThanOrEqual(concurrency);
          for (; seen < taken.length; seen++) {
            const key = taken[seen] ?? '';
            asked.set(key, (asked.get(key) ?? 0) - 1);
            expect(asked.get(key)).toBeGreaterThanOrEqual(0);
            owed.delete(key);
          }
        };
        for (const one of steps) {
          if (one.do === 'add') {
            owe(one.key);
            queue.add(one.key, one.low ? 'low' : 'normal');
          } else if (one.do === 'addAfter') {
            owe(one.key);
            queue.addAfter(one.key, one.ms);
          } else if (one.do === 'advance') await clock.advance(one.ms);
          else {
            const target = running[one.pick];
            if (target === undefined) continue;
            if (one.do === 'fail') {
              owe(target.key);
              await target.fail();
            } else {
              if (one.requeue !== null) owe(target.key);
              await target.finish(one.requeue === null ? undefined : {requeueAfterMs: one.requeue});
            }
          }
          look();
        }
        for (let turn = 0; turn < 100 && (owed.size > 0 || running.length > 0); turn++) {
          await running[0]?.finish();
          await clock.advance(1000);
          look();
        }
        expect([...owed]).toEqual([]);
        expect(queue.pending).toBe(0);
      },
    ),
    {numRuns: 60},
  );
});

test('a result that did not go well backs off like an error, and longer where it asks for it, but not for ever', async () => {
  const {clock, queue, running} = setUp({failingGapMs: 0});
  queue.add('a');
  await settle();
  await running[0]?.finish({failed: true, requeueAfterMs: 0});
  expect(queue.failures('a')).toBe(1);
  await clock.advance(99);
  expect(running).toHaveLength(0);
  await clock.advance(1);
  await running[0]?.finish({failed: true, requeueAfterMs: 4000});
  expect(queue.failures('a')).toBe(2);
  // By chance a quarter longer: here by all of it.
  await clock.advance(4999);
  expect(running).toHaveLength(0);
  await clock.advance(1);
  await running[0]?.finish({requeueAfterMs: 1e15});
  expect(queue.failures('a')).toBe(0);
  await clock.advance(1000);
  expect(running).toHaveLength(0);
});

describe('with groups, keys that are held up', () => {
  const groups = {concurrency: 4, groupOf: (key: string) => key.split('/')[0] ?? '', failingGapMs: 0};
  const keys = (group: string, count: number): string[] =>
    Array.from({length: count}, (_, n) => `${group}/${n}`);

  test('make room for others after a while, and their group has half of the workers', async () => {
    const {clock, queue, taken} = setUp(groups);
    for (const key of keys('slow', 40)) queue.add(key);
    await settle();
    expect(taken).toHaveLength(4);
    queue.add('quick/0');
    await clock.advance(3000);
    // All that are held up are of one group: the others of it wait, and who is not of it does not.
    expect(taken.slice(4)).toEqual(['quick/0']);
  });

  test('have half of the workers also when they come again', async () => {
    const {clock, queue, running, taken} = setUp(groups);
    for (const key of keys('slow', 4)) queue.add(key);
    await settle();
    await clock.advance(5000);
    for (const each of running.slice()) await each.finish();
    for (const key of keys('slow', 40)) queue.add(key);
    await settle();
    expect(running).toHaveLength(2);
    for (const key of keys('quick', 2)) queue.add(key);
    expect(running.map(({key}) => key)).toEqual(['slow/0', 'slow/1', 'quick/0', 'quick/1']);
    // Quick ones again, they are like any other.
    while (taken.length < 4 + 40 + 2) await running[0]?.finish();
    while (running.length > 0) await running[0]?.finish();
    for (const key of keys('slow', 4)) queue.add(key);
    expect(running).toHaveLength(4);
  });

  test('do not add up without end', async () => {
    const {clock, queue, running} = setUp(groups);
    for (let n = 0; n < 40; n++) queue.add(`${n}/a`);
    for (let second = 0; second < 60; second++) await clock.advance(1000);
    expect(running).toHaveLength(8);
  });

  test('by failing leave half of the workers as well', async () => {
    const {clock, queue, running} = setUp(groups);
    for (const key of keys('a', 4)) queue.add(key);
    await settle();
    for (const each of running.slice()) await each.fail();
    await clock.advance(200);
    expect(running).toHaveLength(2);
    queue.add('b/0');
    expect(running).toHaveLength(3);
  });
});
