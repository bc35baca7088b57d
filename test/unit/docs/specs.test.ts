import {glob, readFile} from 'node:fs/promises';
import {describe, expect, test} from 'vitest';
import {parse} from 'yaml';
import {checkSpec} from '../../../src/api/v1alpha1/check.ts';
import {specSchema} from '../../../src/api/v1alpha1/fraiseqlauth.ts';
import {developmentSpec} from '../../fixtures/specs.ts';

/** The blocks of YAML that are a FraiseQLAuth, or a part of its spec, by where they stand. */
const shown: [string, Record<string, unknown>][] = [];
for await (const page of glob(['README.md', 'docs/**/*.md'])) {
  const text = await readFile(page, 'utf8');
  for (const {1: block = '', index} of text.matchAll(/^ *```yaml\n([^]*?)^ *```$/gm)) {
    const {kind, spec} = parse(block) as {kind?: string; spec?: Record<string, unknown>};
    if (spec !== undefined && (kind === undefined || kind === 'FraiseQLAuth'))
      shown.push([`${page}:${text.slice(0, index).split('\n').length}`, spec]);
  }
}

test('there are some', () => expect(shown.length).toBeGreaterThan(5));

describe.each(shown)('the spec at %s', (_place, part) => {
  const spec = developmentSpec(part);

  test('is valid', () => expect(checkSpec({spec})).toEqual([]));

  test('has no field that there is not', () => {
    expect(pathsOf(spec).filter((path) => !pathsOf(specSchema.parse(spec)).includes(path))).toEqual([]);
  });
});

/** Every field in it, as `backup.destination`. */
function pathsOf(value: unknown, before = ''): string[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, each]) => [
    `${before}${name}`,
    ...pathsOf(each, `${before}${name}.`),
  ]);
}
