import {readFile} from 'node:fs/promises';
import {expect, test} from 'vitest';
import {CONDITIONS, CONDITION_TYPES} from '../../../src/api/v1alpha1/conditions.ts';

/** What a condition says when nothing is wrong, or nothing is known yet: nobody looks these up. */
const WELL = new Set([
  'Ready',
  'Available',
  'RolledOut',
  'Valid',
  'Resolved',
  'Reachable',
  'Served',
  'Current',
  'Healthy',
  'Succeeded',
  'NotYetKnown',
]);

test('the troubleshooting page explains every reason that something is wrong', async () => {
  const page = await readFile('docs/troubleshooting.md', 'utf8');
  const wanting = CONDITION_TYPES.flatMap((type) => [...CONDITIONS[type].reasons]).filter(
    (reason) => !WELL.has(reason) && !page.includes(`\`${reason}\``),
  );
  expect(wanting).toEqual([]);
});
