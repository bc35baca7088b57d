import * as fc from 'fast-check';
import {describe, expect, test} from 'vitest';
import {isSubset, quantity} from '../../../src/kube/subset.ts';

describe('what is a difference and what is not', () => {
  const pod = (container: object): object => ({spec: {containers: [{name: 'a', ...container}]}});
  test.each<[string, unknown, unknown, boolean]>([
    ['the same', {a: 1}, {a: 1}, true],
    ['defaults that the server added', {a: 1}, {a: 1, b: 2}, true],
    ['what another added to a selector', {selector: {a: 'b'}}, {selector: {a: 'b', c: 'd'}}, false],
    ['another value', {a: 1}, {a: 2}, false],
    ['a missing value', {a: 1}, {}, false],
    ['another type', {a: {b: 1}}, {a: 'b'}, false],
    ['a list where an object is', {a: {b: 1}}, {a: [1]}, false],
    ['undefined and null are not wishes', {a: undefined, b: null}, {a: 1}, true],
    ['zero values that the server leaves out', {a: 0, b: false, c: '', d: [], e: {}, f: {g: {}}}, {}, true],
    ['a zero value where there is another', {a: false}, {a: true}, false],
    ['an empty list where there is another', {args: []}, {args: ['x']}, false],
    ['an atomic list in order', {args: ['a', 'b']}, {args: ['a', 'b']}, true],
    ['an atomic list out of order', {args: ['a', 'b']}, {args: ['b', 'a']}, false],
    ['an atomic list that grew', {args: ['a']}, {args: ['a', 'b']}, false],
    [
      'defaults within an atomic list',
      {tolerations: [{key: 'x'}]},
      {tolerations: [{key: 'x', effect: ''}]},
      true,
    ],
    ['an empty item in an atomic list', {ingress: [{}]}, {ingress: [{}]}, true],
    ['no item where an empty one is wanted', {ingress: [{}]}, {ingress: []}, false],
    [
      'a container that another added',
      pod({image: 'x'}),
      {spec: {containers: [{name: 'sidecar'}, {name: 'a', image: 'x'}]}},
      true,
    ],
    ['a container that is gone', pod({}), {spec: {containers: []}}, false],
    [
      'env by name, in any order',
      pod({env: [{name: 'A', value: '1'}]}),
      pod({env: [{name: 'B'}, {name: 'A', value: '1'}]}),
      true,
    ],
    [
      'an env entry of another value',
      pod({env: [{name: 'A', value: '1'}]}),
      pod({env: [{name: 'A', value: '2'}]}),
      false,
    ],
    [
      'ports with the default protocol',
      pod({ports: [{containerPort: 80}]}),
      pod({ports: [{containerPort: 80, protocol: 'TCP'}]}),
      true,
    ],
    [
      'ports of another protocol',
      pod({ports: [{containerPort: 80, protocol: 'UDP'}]}),
      pod({ports: [{containerPort: 80, protocol: 'TCP'}]}),
      false,
    ],
    [
      "a network policy's ports are atomic",
      {ingress: [{ports: [{port: 1}]}]},
      {ingress: [{ports: [{port: 1}, {port: 2}]}]},
      false,
    ],
    [
      'owners by uid',
      {ownerReferences: [{uid: 'a', name: 'x'}]},
      {ownerReferences: [{uid: 'b'}, {uid: 'a', name: 'x'}]},
      true,
    ],
    ['finalizers as a set', {finalizers: ['a']}, {finalizers: ['b', 'a']}, true],
    [
      'quantities of one value',
      pod({resources: {requests: {cpu: '0.1', memory: '1Gi'}}}),
      pod({resources: {requests: {cpu: '100m', memory: '1073741824'}}}),
      true,
    ],
    [
      'quantities as numbers',
      pod({resources: {limits: {cpu: 2}}}),
      pod({resources: {limits: {cpu: '2'}}}),
      true,
    ],
    [
      'quantities of another value',
      pod({resources: {limits: {cpu: '1'}}}),
      pod({resources: {limits: {cpu: '100m'}}}),
      false,
    ],
    [
      'an empty directory limited alike',
      {emptyDir: {sizeLimit: '64Mi'}},
      {emptyDir: {sizeLimit: '65536Ki'}},
      true,
    ],
    ['what merely looks like a quantity', {data: {memory: '1Gi'}}, {data: {memory: '1024Mi'}}, false],
    ['a port by number or numeral', {targetPort: 80}, {targetPort: '80'}, true],
    ['a numeral elsewhere', {data: {a: 1}}, {data: {a: '1'}}, false],
    [
      "a Secret's stringData",
      {kind: 'Secret', stringData: {a: 'x'}},
      {kind: 'Secret', data: {a: 'eA=='}},
      true,
    ],
    [
      "a Secret's stringData changed",
      {kind: 'Secret', stringData: {a: 'y'}},
      {kind: 'Secret', data: {a: 'eA=='}},
      false,
    ],
    [
      'stringData of something else',
      {kind: 'Other', stringData: {a: 'x'}},
      {kind: 'Other', data: {a: 'eA=='}},
      false,
    ],
  ])('%s', (_, desired, live, expected) => {
    expect(isSubset(desired, live)).toBe(expected);
  });
});

test('quantities', () => {
  const of: Record<string, number | undefined> = {
    '1': 1,
    '100m': 0.1,
    '1.5Gi': 1.5 * 2 ** 30,
    '.5': 0.5,
    '1e3': 1000,
    '1E2': 100,
    '2E': 2e18,
    '-1k': -1000,
    '5n': 5e-9,
    '': undefined,
    Gi: undefined,
    '1GB': undefined,
    '1 Gi': undefined,
  };
  for (const [text, value] of Object.entries(of)) expect([text, quantity(text)]).toEqual([text, value]);
  expect(quantity(true)).toBeUndefined();
});

test('anything holds itself, and itself with more', () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.dictionary(fc.string(), fc.jsonValue()), (value, more) => {
      expect(isSubset(value, value)).toBe(true);
      expect(isSubset({wanted: value}, {...more, wanted: value})).toBe(true);
    }),
  );
});

test('a changed leaf is always found', () => {
  const tree = fc.letrec((tie) => ({
    node: fc.oneof(
      {depthSize: 'small'},
      fc.constant('LEAF'),
      fc.dictionary(fc.stringMatching(/^[a-z]{3,8}$/), tie('node'), {minKeys: 1, maxKeys: 3}),
      fc.array(tie('node'), {minLength: 1, maxLength: 3}),
    ),
  })).node;
  fc.assert(
    fc.property(tree, fc.nat(), (value, pick) => {
      const text = JSON.stringify(value);
      const places = [...text.matchAll(/"LEAF"/g)].map((match) => match.index);
      const place = places[pick % places.length] ?? 0;
      const changed: unknown = JSON.parse(`${text.slice(0, place)}"OTHER"${text.slice(place + 6)}`);
      expect(isSubset(value, changed)).toBe(false);
    }),
  );
});
