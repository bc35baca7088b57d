import * as fc from 'fast-check';
import {expect, test} from 'vitest';
import {canonical} from '../../../src/kube/canonical.ts';

function sorted(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(sorted);
  // `fromEntries` alone would put keys that are numbers first.
  return new Map(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, field]) => [name, sorted(field)]),
  );
}

function written(value: unknown): string {
  if (value instanceof Map) {
    const fields = [...value].filter(([, field]) => field !== undefined);
    return `{${fields.map(([name, field]) => `${JSON.stringify(name)}:${written(field)}`).join(',')}}`;
  }
  if (Array.isArray(value)) return `[${value.map(written).join(',')}]`;
  return JSON.stringify(value) ?? 'null';
}

test('the same text for the same value, with keys in the order of their characters', () => {
  expect(canonical({b: 1, a: [{d: undefined, c: null}, undefined], '10': 'x', '9': ''})).toBe(
    '{"10":"x","9":"","a":[{"c":null},null],"b":1}',
  );
  const many = Object.fromEntries(Array.from({length: 60}, (_, index) => [`k${(index * 7) % 60}`, index]));
  expect(canonical(many)).toBe(written(sorted(many)));
  fc.assert(fc.property(fc.object(), (value) => canonical(value) === written(sorted(value))));
});
