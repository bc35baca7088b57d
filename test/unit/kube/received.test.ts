import * as fc from 'fast-check';
import {describe, expect, test} from 'vitest';
import {ListReader, parseObject} from '../../../src/kube/received.ts';

function read(bytes: Buffer, sizes: readonly number[] = [bytes.length]): {items: unknown[]; frame: unknown} {
  const items: unknown[] = [];
  const reader = new ListReader((item) => items.push(item));
  let from = 0;
  for (let turn = 0; from < bytes.length; turn++) {
    const size = sizes[turn % sizes.length] ?? 1;
    reader.push(bytes.subarray(from, from + size));
    from += size;
  }
  return {items, frame: reader.end()};
}

const metadata = {resourceVersion: '7', continue: 'next', remainingItemCount: 3};
const managedFields = [
  {manager: 'a', operation: 'Apply', fieldsV1: {'f:spec': {'k:{"name":"]\\""}': {'.': {}}, 'f:list': {}}}},
  {manager: 'b', fieldsV1: {}},
];

describe('a list', () => {
  test('gives its items and what stands around them, whatever is in them and however it is cut', () => {
    const text = fc.oneof(
      fc.string(),
      fc.constantFrom('"items":[', '\\', '"', '}]', '{"', 'ü', '😀', '\u2028'),
    );
    // Not in names: V8 in Node 24.21 takes {"b":1,"\"":0} for {"b":1,"\\":0} where it has read the latter before.
    const name = text.filter((each) => !each.includes('\\'));
    const value = fc.letrec((tie) => ({
      any: fc.oneof(
        {maxDepth: 4},
        text,
        fc.integer(),
        fc.constantFrom(null, true),
        fc.array(tie('any'), {maxLength: 3}),
        fc.dictionary(name, tie('any'), {maxKeys: 3}),
      ),
    })).any;
    const fields = {metadata: fc.record({name: text}), items: value, spec: value};
    // Other than a server does, some of the time: items that do not begin alike.
    const item = fc.oneof(
      {weight: 5, arbitrary: fc.record(fields)},
      fc.record(fields).map(({metadata: first, ...rest}) => ({...rest, metadata: first})),
      fc.record({metadata: value, items: fc.array(fc.record({metadata: value}), {maxLength: 3})}),
    );
    fc.assert(
      fc.property(
        fc.array(item, {maxLength: 4}),
        fc.boolean(),
        fc.array(fc.integer({min: 1, max: 40}), {minLength: 1, maxLength: 4}),
        (items, itemsFirst, sizes) => {
          const list = itemsFirst
            ? {apiVersion: 'v1', items, kind: 'List', metadata}
            : {kind: 'List', apiVersion: 'v1', metadata, items};
          const found = read(Buffer.from(`${JSON.stringify(list)}\n`), sizes);
          expect(found.items).toEqual(items);
          expect(found.frame).toEqual({...list, items: []});
        },
      ),
    );
  });

  test('gives each item away before it looks at the next', () => {
    const seen: unknown[] = [];
    const reader = new ListReader((item) => seen.push(item));
    reader.push(Buffer.from('{"items":[{"a":1},{"a"'));
    expect(seen).toEqual([{a: 1}]);
    reader.push(Buffer.from(':2},{"a":[{"a":'));
    expect(seen).toEqual([{a: 1}, {a: 2}]);
    // In this one stands what looks like the next.
    reader.push(Buffer.from('3},{"a":4}]},{"b":5}'));
    expect(seen).toEqual([{a: 1}, {a: 2}, {a: [{a: 3}, {a: 4}]}]);
    reader.push(Buffer.from(']}'));
    expect(reader.end()).toEqual({items: []});
    expect(seen.slice(3)).toEqual([{b: 5}]);
  });

  test('keeps no more than the largest item there is, though none begins as the first did', () => {
    const seen: unknown[] = [];
    const reader = new ListReader((item) => seen.push(item));
    const item = JSON.stringify({b: 'x'.repeat(1e6)});
    reader.push(Buffer.from('{"items":[{"a":1}'));
    for (let count = 0; count < 12; count++) reader.push(Buffer.from(`,${item}`));
    expect(seen.length).toBeGreaterThan(6);
    reader.push(Buffer.from(']}'));
    reader.end();
    expect(seen).toHaveLength(13);
  });

  test.each([
    ['items that are null', {kind: 'List', metadata, items: null}],
    ['no items', {kind: 'List', metadata}],
    ['an empty object', {}],
  ])('%s are none', (_, list) => {
    expect(read(Buffer.from(JSON.stringify(list)))).toEqual({items: [], frame: list});
  });

  test.each(['', '<html>', '{"items":[{"a":1}', '{"items":[{"a":1},{"b"', '{"items":[{"a":tru}]}'])(
    'that is none, or not a whole one, is an error: %s',
    (text) => {
      expect(() => read(Buffer.from(text))).toThrow(SyntaxError);
    },
  );
});

test('managed fields are left out of an object, and nothing else', () => {
  const object = {
    metadata: {name: 'a', annotations: {b: JSON.stringify({managedFields})}, managedFields, labels: {ü: 'ö'}},
    spec: {list: [1, {c: ']'}]},
  };
  const left = {...object, metadata: {...object.metadata, managedFields: []}};
  expect(parseObject(Buffer.from(JSON.stringify(object)))).toEqual(left);
  const {items} = read(Buffer.from(JSON.stringify({items: [object, object], metadata})), [5]);
  expect(items).toEqual([left, left]);
});
