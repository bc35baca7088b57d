import {readFile} from 'node:fs/promises';
import {join} from 'node:path';
import {describe, expect, it} from 'vitest';
import {migrationNames, MIGRATIONS_DIRECTORY} from '../../../src/database/migrate.ts';
import {versionOf} from '../../../src/database/schema.ts';
import {SCHEMA_VERSION} from '../../../src/database/version.ts';

describe('the schema version', () => {
  it('is the number of the newest migration, and they count up without a gap', async () => {
    const names = await migrationNames(MIGRATIONS_DIRECTORY);
    expect(names.map((name) => Number(versionOf(name)))).toEqual(names.map((_name, index) => index + 1));
    expect(SCHEMA_VERSION).toBe(versionOf(names.at(-1)));
  });

  it('comes from files in ASCII, which a database of any encoding takes', async () => {
    for (const name of await migrationNames(MIGRATIONS_DIRECTORY)) {
      const text = await readFile(join(MIGRATIONS_DIRECTORY, `${name}.sql`), 'latin1');
      expect(text).toMatch(/^[\n -~]*$/);
    }
  });

  it('is "0" before the first', () => {
    expect(versionOf(undefined)).toBe('0');
  });
});
