import {expect, test} from 'vitest';
import {image} from '../../../src/api/v1alpha1/image.ts';
import {RIGHT_IMAGES, WRONG_IMAGES} from '../../fixtures/spec-values.ts';

test.each(RIGHT_IMAGES)('%j is an image', (name) => {
  expect(image.safeParse(name).success).toBe(true);
});

test.each(WRONG_IMAGES)('%j is none', (name) => {
  expect(image.safeParse(name).success).toBe(false);
});

test('what nobody would write is refused at once', () => {
  const started = performance.now();
  for (const piece of ['a-', 'a.', 'a_', 'A.', '-', 'a/', '[:', 'a']) {
    expect(image.safeParse(`${piece.repeat(255)}!`).success).toBe(false);
  }
  expect(performance.now() - started).toBeLessThan(1000);
});
