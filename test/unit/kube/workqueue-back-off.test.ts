import {expect, test} from 'vitest';
import {settle} from './fake-clock.ts';
import {heldQueue} from './held-queue.ts';

test('a failing key backs off exponentially up to the cap, alone, and starts over after a success', async () => {
  const {clock, queue, running, taken} = heldQueue({concurrency: 2});
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
    const {queue, running} = heldQueue({
      random: () => random,
      onError: (_key, _error, ms) => delays.push(ms),
    });
    queue.add('a');
    await running[0]?.fail();
    expect(delays).toEqual([expected]);
  }
});

test('adds bring the next try of a failing key forward, to a second after the last and no nearer', async () => {
  const {clock, queue, running} = heldQueue({backoff: {baseMs: 60_000, maxMs: 60_000}});
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
  const {clock, queue, running} = heldQueue({backoff: {baseMs: 60_000, maxMs: 60_000}});
  queue.add('bad');
  queue.add('bad');
  await running[0]?.fail();
  await clock.advance(999);
  expect(running).toHaveLength(0);
  await clock.advance(1);
  expect(running).toHaveLength(1);
});

test('a result that did not go well backs off like an error, and longer where it asks for it, but not for ever', async () => {
  const {clock, queue, running} = heldQueue({failingGapMs: 0});
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
