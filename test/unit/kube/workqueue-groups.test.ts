import {describe, expect, test} from 'vitest';
import {settle} from './fake-clock.ts';
import {heldQueue} from './held-queue.ts';

describe('with groups, keys that are held up', () => {
  const groups = {concurrency: 4, groupOf: (key: string) => key.split('/')[0] ?? '', failingGapMs: 0};
  const keys = (group: string, count: number): string[] =>
    Array.from({length: count}, (_, n) => `${group}/${n}`);

  test('make room for others after a while, and their group has half of the workers', async () => {
    const {clock, queue, taken} = heldQueue(groups);
    for (const key of keys('slow', 40)) queue.add(key);
    await settle();
    expect(taken).toHaveLength(4);
    queue.add('quick/0');
    await clock.advance(3000);
    // All that are held up are of one group: the others of it wait, and who is not of it does not.
    expect(taken.slice(4)).toEqual(['quick/0']);
  });

  test('have half of the workers also when they come again', async () => {
    const {clock, queue, running, taken} = heldQueue(groups);
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
    const {clock, queue, running} = heldQueue(groups);
    for (let n = 0; n < 40; n++) queue.add(`${n}/a`);
    for (let second = 0; second < 60; second++) await clock.advance(1000);
    expect(running).toHaveLength(8);
  });

  test('by failing leave half of the workers as well', async () => {
    const {clock, queue, running} = heldQueue(groups);
    for (const key of keys('a', 4)) queue.add(key);
    await settle();
    for (const each of running.slice()) await each.fail();
    await clock.advance(200);
    expect(running).toHaveLength(2);
    queue.add('b/0');
    expect(running).toHaveLength(3);
  });
});
