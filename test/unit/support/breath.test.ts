import {expect, test} from 'vitest';
import {breath} from '../../../src/support/breath.ts';

test('work that waits for nothing lets the event loop turn', async () => {
  const breathe = breath();
  let others = 0;
  const timer = setInterval(() => others++, 1);
  for (let piece = 0; piece < 10; piece++) {
    await breathe();
    const until = performance.now() + 10;
    while (performance.now() < until) continue;
  }
  clearInterval(timer);
  expect(others).toBeGreaterThan(3);
});

test('short work goes on at once', () => {
  expect(breath()()).toBeUndefined();
});

test('of a crowd that waits, as many go on in a turn as fit in, and what is urgent goes on in the next', async () => {
  const breathe = breath();
  const busy = (): void => {
    const until = performance.now() + 10;
    while (performance.now() < until) continue;
  };
  await breathe();
  busy();
  let turn = 0;
  let over = false;
  const count = (): void => {
    turn++;
    if (!over) setImmediate(count);
  };
  setImmediate(count);
  const turns: number[] = [];
  const crowd = Array.from({length: 5}, async () => {
    await breathe();
    turns.push(turn);
    busy();
  });
  let urgentAt = Number.NaN;
  const urgent = async (): Promise<void> => {
    await breathe(true);
    urgentAt = turn;
  };
  await Promise.all([...crowd, urgent()]);
  over = true;
  expect(new Set(turns).size).toBe(5);
  expect(urgentAt).toBe(turns[0]);
});
