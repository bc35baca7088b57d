import * as fc from 'fast-check';
import {expect, test} from 'vitest';
import {canonical, outline} from '../../../src/kube/canonical.ts';

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

test('an outline changes with the fields and the lists, and not with the values', () => {
  const text = outline({b: 1, a: {d: undefined, c: 'x'}, list: [{x: 1}], none: null});
  expect(text).toBe('{"a":{"c":},"b":,"list":[{"x":1}],"none":null}');
  expect(outline({a: {c: 'other'}, b: false, list: [{x: 1}], none: null})).toBe(text);
  for (const other of [
    {a: {c: 'x'}, b: 1, list: [{x: 2}], none: null},
    {a: {c: 'x'}, b: null, list: [{x: 1}], none: null},
    {a: {c: {}}, b: 1, list: [{x: 1}], none: null},
    {a: {}, b: 1, list: [{x: 1}], none: null},
    {a: {c: 'x', d: 'x'}, b: 1, list: [{x: 1}], none: null},
  ])
    expect(outline(other)).not.toBe(text);
});
