import {expect, it} from 'vitest';
import {ago} from '../../../../src/server/pages/ago.ts';

it.each([
  [0, 'just now'],
  [-29, 'just now'],
  [-31, '1 minute ago'],
  [-300, '5 minutes ago'],
  [-5_400, '90 minutes ago'],
  [-7_200, '2 hours ago'],
  [-86_400, '24 hours ago'],
  [-3 * 86_400, '3 days ago'],
  [10, 'in a moment'],
  [7 * 86_400 - 1, 'in 7 days'],
])('%d seconds from now is "%s"', (distance, text) => {
  expect(ago(1_800_000_000 + distance, 1_800_000_000)).toBe(text);
});
