import {glob, readFile} from 'node:fs/promises';
import {expect, test} from 'vitest';
import {SCHEMA_VERSION} from '../../../src/database/version.ts';

test('what kubectl is shown to print has the schema version of this program', async () => {
  const shown: [string, string][] = [];
  for await (const page of glob(['README.md', 'docs/*.md'])) {
    for (const [, head = '', row = ''] of (await readFile(page, 'utf8')).matchAll(
      /^(NAME .*SCHEMA.*)\n(.*)$/gm,
    )) {
      const column = head.split(/ +/).indexOf('SCHEMA');
      shown.push([page, row.split(/ +/)[column] ?? '']);
    }
  }
  expect(shown.length).toBeGreaterThan(2);
  expect(shown.filter(([, version]) => version !== SCHEMA_VERSION)).toEqual([]);
});
