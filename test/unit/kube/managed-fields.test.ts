import {expect, test} from 'vitest';
import {handOver, leafPaths} from '../../../src/kube/managed-fields.ts';
import type {ManagedFieldsEntry} from '../../../src/kube/objects.ts';

const entry = (
  manager: string,
  operation: 'Apply' | 'Update',
  fieldsV1: Record<string, unknown>,
  subresource?: string,
): ManagedFieldsEntry => ({
  manager,
  operation,
  apiVersion: 'apps/v1',
  fieldsType: 'FieldsV1',
  fieldsV1,
  ...(subresource === undefined ? {} : {subresource}),
});

const others = [
  entry('hpa', 'Update', {'f:spec': {'f:replicas': {}}}, 'scale'),
  entry('us', 'Update', {'f:status': {}}, 'status'),
  entry('kubectl', 'Apply', {'f:data': {}}),
];
const replicas = [['spec', 'replicas']];

test('what we made by POST becomes applied, others stay as they are', () => {
  const created = entry('us', 'Update', {'f:spec': {'f:replicas': {}, 'f:template': {'f:x': {}}}});
  expect(handOver([...others, created], 'us', [])).toEqual([...others, {...created, operation: 'Apply'}]);
});

test('what is given away stays with what wrote it once', () => {
  const created = entry('us', 'Update', {'f:spec': {'f:replicas': {}, 'f:template': {'f:x': {}}}});
  expect(handOver([created], 'us', replicas)).toEqual([
    {...created, operation: 'Apply', fieldsV1: {'f:spec': {'f:template': {'f:x': {}}}}},
    {...created, operation: 'Update', fieldsV1: {'f:spec': {'f:replicas': {}}}},
  ]);
});

test('what is given away is taken out of what was applied', () => {
  const applied = entry('us', 'Apply', {'f:spec': {'f:replicas': {}, 'f:paused': {}}});
  expect(handOver([applied], 'us', replicas)).toEqual([
    {...applied, fieldsV1: {'f:spec': {'f:paused': {}}}},
    {...applied, operation: 'Update', fieldsV1: {'f:spec': {'f:replicas': {}}}},
  ]);
});

test('both kinds of entry become one', () => {
  const applied = entry('us', 'Apply', {'f:data': {'.': {}, 'f:a': {}}});
  const updated = entry('us', 'Update', {'f:data': {'f:b': {}}, 'f:x': {}});
  expect(handOver([applied, updated], 'us', [])).toEqual([
    {...applied, fieldsV1: {'f:data': {'.': {}, 'f:a': {}, 'f:b': {}}, 'f:x': {}}},
  ]);
});

test('nothing to do where that is so already, or nothing of ours is there', () => {
  const applied = entry('us', 'Apply', {'f:spec': {'f:paused': {}}});
  const given = entry('us', 'Update', {'f:spec': {'f:replicas': {}}});
  expect(handOver([], 'us', replicas)).toBeUndefined();
  expect(handOver(others, 'us', [])).toBeUndefined();
  expect(handOver([...others, applied], 'us', [])).toBeUndefined();
  expect(handOver([applied, given], 'us', replicas)).toBeUndefined();
});

test('the leaves of an object', () => {
  expect(leafPaths({spec: {replicas: 3, strategy: {type: 'x'}}, list: [1]})).toEqual([
    ['spec', 'replicas'],
    ['spec', 'strategy', 'type'],
    ['list'],
  ]);
  expect(leafPaths(undefined)).toEqual([]);
});
