import {expect, it} from 'vitest';
import {serverProblem} from '../../../src/database/server-version.ts';

it.each([
  [130_022, 'failed'],
  [140_000, undefined],
  [170_006, undefined],
  [180_000, 'warning'],
])('a server of version %i', (number, state) => {
  expect(serverProblem(number)?.state).toBe(state);
});

it('says of a newer one beforehand that it cannot be backed up', () => {
  expect(serverProblem(180_001)).toMatchObject({
    problem: expect.stringContaining('backups of the image will fail'),
    hint: expect.stringContaining('policy: None'),
  });
});
