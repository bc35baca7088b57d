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
