import {glob, readFile} from 'node:fs/promises';
import {join} from 'node:path';
import {expect, test} from 'vitest';
import {CONDITIONS} from '../../../src/api/v1alpha1/conditions.ts';

const ROOT = join(import.meta.dirname, '../../..');

// Reasons are part of the API. This reads them from the code that gives them and from the page that promises them.
test('every reason that the operator gives is promised, and every one that is promised is given', async () => {
  const promised = new Set<string>(Object.values(CONDITIONS).flatMap(({reasons}) => reasons));
  const given = new Set<string>();
  for (const directory of [
    'src/operator/{decide,observe,reconcile,status}',
    'src/database',
    'src/server/check',
  ]) {
    for await (const path of glob(`${directory}/*.ts`, {cwd: ROOT})) {
      const text = await readFile(join(ROOT, path), 'utf8');
      for (const [, reason] of text.matchAll(
        /(?:reason: |[?:] |is(?:True|False|Unknown)\(\s*|Error\(\s*|because\(\s*)'([A-Z][A-Za-z]+)'/g,
      )) {
        if (reason) given.add(reason);
      }
    }
  }
  expect([...promised].filter((reason) => !given.has(reason))).toEqual([]);
  const events = new Set(['Migrated', 'BackupSucceeded', 'BackupFailed']);
  const unsaid = [...given].filter(
    (reason) =>
      /^(Secret|Database|Migration|Provider|Key|Image|Container|Pod|Schema)s?[A-Z]/.test(reason) &&
      !promised.has(reason) &&
      !events.has(reason),
  );
  expect(unsaid).toEqual([]);
});
