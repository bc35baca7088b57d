import {expect, test} from 'vitest';
import {settle} from './fake-clock.ts';
import {heldQueue} from './held-queue.ts';

test('a key that is added often waits once', async () => {
  const {queue, running, taken} = heldQueue();
  queue.add('first');
  for (let add = 0; add < 5; add++) queue.add('second');
  expect(queue.depth).toBe(1);
  await running[0]?.finish();
  await running[0]?.finish();
  expect(taken).toEqual(['first', 'second']);
});

test('an add during its handling has the key handled again, after and not beside it', async () => {
  const {queue, running, taken} = heldQueue({concurrency: 4});
  queue.add('a');
  queue.add('a');
  queue.add('a');
  expect(running).toHaveLength(1);
  await running[0]?.finish();
  expect(taken).toEqual(['a', 'a']);
  await running[0]?.finish();
  expect(taken).toEqual(['a', 'a']);
});

test('of several delays the shortest counts, and an add at once does away with them', async () => {
  const {clock, queue, running, taken} = heldQueue();
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
  const {clock, queue, running} = heldQueue();
  queue.add('a');
  await running[0]?.finish({requeueAfterMs: 30_000});
  await clock.advance(29_999);
  expect(running).toHaveLength(0);
  await clock.advance(1);
  expect(running).toHaveLength(1);
});

test('no more at once than the concurrency, and first come, first served', async () => {
  const {queue, running, taken} = heldQueue({concurrency: 3});
  for (const key of ['a', 'b', 'c', 'd', 'e']) queue.add(key);
  expect(taken).toEqual(['a', 'b', 'c']);
  await running[1]?.finish();
  expect(taken).toEqual(['a', 'b', 'c', 'd']);
});

test('what was of low priority comes back with it', async () => {
  const {clock, queue, running, taken} = heldQueue();
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
  const {queue, running, taken} = heldQueue();
  queue.add('busy');
  for (let key = 0; key < 3; key++) queue.add(`low-${key}`, 'low');
  queue.add('low-2');
  for (let key = 0; key < 20; key++) queue.add(`normal-${key}`);
  for (let step = 0; step < 12; step++) await running[0]?.finish();
  expect(taken[1]).toBe('low-2');
  expect(taken.slice(0, 9).filter((key) => key.startsWith('low'))).toEqual(['low-2', 'low-0']);
  expect(queue.depth).toBeGreaterThan(0);
});

test.each([
  ['', {}],
  [', where there are groups', {groupOf: (key: string) => key}],
])('reserved workers take nothing of low priority%s, and one in any case is not reserved', (_, further) => {
  const {queue, running} = heldQueue({concurrency: 4, reserved: 2, ...further});
  for (let key = 0; key < 5; key++) queue.add(`low-${key}`, 'low');
  expect(running.map(({key}) => key)).toEqual(['low-0', 'low-1']);
  for (let key = 0; key < 5; key++) queue.add(`normal-${key}`);
  expect(running.slice(2).map(({key}) => key)).toEqual(['normal-0', 'normal-1']);
  const small = heldQueue({concurrency: 1, reserved: 1, ...further});
  small.queue.add('low', 'low');
  expect(small.taken).toEqual(['low']);
});

test('a worker that low priority holds up for long is no longer counted as its', async () => {
  const {clock, queue, taken} = heldQueue({concurrency: 4, reserved: 2, groupOf: (key) => key});
  for (let key = 0; key < 5; key++) queue.add(`low-${key}`, 'low');
  expect(taken).toHaveLength(2);
  await clock.advance(3000);
  expect(taken).toHaveLength(4);
});

test('shutdown aborts the signal, takes nothing more, and waits for what runs', async () => {
  const {clock, queue, running, taken, done} = heldQueue();
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
  const {clock, queue, running} = heldQueue({
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
