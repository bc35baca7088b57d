import {expect, test} from 'vitest';
import type {KubeObject} from '../../../src/kube/objects.ts';
import {Store} from '../../../src/kube/store.ts';

function pod(name: string, labels: Record<string, string> = {}, namespace = 'ns'): KubeObject {
  return {apiVersion: 'v1', kind: 'Pod', metadata: {name, namespace, labels}};
}

test('objects are found by key, an object without namespace by its name', () => {
  const store = new Store();
  const a = pod('a');
  store.set(a);
  store.set({apiVersion: 'v1', kind: 'Namespace', metadata: {name: 'ns'}});
  expect(store.get('ns/a')).toBe(a);
  expect(store.get('ns')?.kind).toBe('Namespace');
  expect(store.get('ns/b')).toBeUndefined();
  expect(store.list()).toHaveLength(2);
});

test('an index follows changes and removals, and knows what was there before it', () => {
  const store = new Store();
  store.set(pod('a', {app: 'x'}));
  store.addIndex('app', (object) => object.metadata.labels?.['app']);
  store.addIndex('values', (object) => Object.values(object.metadata.labels ?? {}));
  store.set(pod('b', {app: 'x', tier: 'front'}));
  const names = (index: string, value: string): string[] =>
    store.byIndex(index, value).map((object) => object.metadata.name);
  expect(names('app', 'x')).toEqual(['a', 'b']);
  expect(names('values', 'front')).toEqual(['b']);
  store.set(pod('a', {app: 'y'}));
  expect(names('app', 'x')).toEqual(['b']);
  expect(names('app', 'y')).toEqual(['a']);
  store.remove('ns/b');
  expect(names('app', 'x')).toEqual([]);
  expect(names('values', 'front')).toEqual([]);
});

test('an unknown index and a second one of the same name are mistakes', () => {
  const store = new Store();
  store.addIndex('app', () => []);
  expect(() => store.byIndex('owner', 'x')).toThrow('no index owner');
  expect(() => store.addIndex('app', () => [])).toThrow('an index app already');
});
