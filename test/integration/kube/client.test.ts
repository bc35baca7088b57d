import {afterAll, beforeAll, describe, expect, test} from 'vitest';
import {isApiError, KubeClient} from '../../../src/kube/client.ts';
import {RESOURCES, type KubeObject, type ResourceType} from '../../../src/kube/objects.ts';
import {startApiServer, type TestApiServer} from '../../support/apiserver.ts';
import {eventually} from '../../support/eventually.ts';

let api: TestApiServer;
let admin: KubeClient;

beforeAll(async () => {
  api = await startApiServer();
  admin = api.admin;
});
afterAll(() => api.stop());

function configMap(name: string, data: Record<string, string> = {}): KubeObject {
  return {apiVersion: 'v1', kind: 'ConfigMap', metadata: {name, namespace: 'default'}, data};
}

describe('reading and writing', () => {
  test('an object goes in and comes out as it is, and what is not there is undefined', async () => {
    await admin.create(RESOURCES.ConfigMap, configMap('round-trip', {key: 'value'}));
    const read = await admin.get(RESOURCES.ConfigMap, {namespace: 'default', name: 'round-trip'});
    expect(read).toMatchObject({apiVersion: 'v1', kind: 'ConfigMap', data: {key: 'value'}});
    expect(read?.metadata.creationTimestamp).toMatch(/^\d{4}-\d\d-\d\dT/);
    expect(await admin.get(RESOURCES.ConfigMap, {namespace: 'default', name: 'nothing'})).toBeUndefined();
    expect(
      await admin.get(RESOURCES.ConfigMap, {namespace: 'no-such-namespace', name: 'nothing'}),
    ).toBeUndefined();
  });

  test('a type that the server does not know is an error, not an absence', async () => {
    const unknown: ResourceType = {
      apiVersion: 'example.com/v1',
      kind: 'Thing',
      plural: 'things',
      namespaced: true,
    };
    await expect(admin.get(unknown, {namespace: 'default', name: 'x'})).rejects.toThrow(
      'get things default/x: 404 NotFound: the server does not know this type',
    );
    await expect(admin.delete(unknown, {namespace: 'default', name: 'x'})).rejects.toThrow('404');
  });

  test('apply creates, owns its fields, and removes what it no longer holds', async () => {
    const manager = {fieldManager: 'one'};
    const first = await admin.apply(RESOURCES.ConfigMap, configMap('applied', {a: '1', b: '2'}), manager);
    const again = await admin.apply(RESOURCES.ConfigMap, configMap('applied', {a: '1', b: '2'}), manager);
    expect(again.metadata.resourceVersion).toBe(first.metadata.resourceVersion);
    const less = await admin.apply(RESOURCES.ConfigMap, configMap('applied', {a: '1'}), manager);
    expect(less['data']).toEqual({a: '1'});
    const other = {fieldManager: 'two'};
    await expect(
      admin.apply(RESOURCES.ConfigMap, configMap('applied', {a: '3'}), other),
    ).rejects.toMatchObject({
      status: 409,
      reason: 'Conflict',
      causes: [{field: '.data.a'}],
    });
    const forced = await admin.apply(RESOURCES.ConfigMap, configMap('applied', {a: '3'}), {
      ...other,
      force: true,
    });
    expect(forced['data']).toEqual({a: '3'});
  });

  test('a dry run changes nothing', async () => {
    const planned = await admin.apply(RESOURCES.ConfigMap, configMap('planned'), {
      fieldManager: 'one',
      dryRun: true,
    });
    expect(planned.metadata.uid).toBeDefined();
    expect(await admin.get(RESOURCES.ConfigMap, planned.metadata)).toBeUndefined();
  });

  test('merge patch changes what it names, and null removes', async () => {
    const {metadata} = await admin.create(RESOURCES.ConfigMap, configMap('patched', {a: '1', b: '2'}));
    const patched = await admin.mergePatch(RESOURCES.ConfigMap, metadata, {data: {a: null, c: '3'}});
    expect(patched['data']).toEqual({b: '2', c: '3'});
  });

  test('delete holds to its preconditions, and what is gone already is a success', async () => {
    const {metadata} = await admin.create(RESOURCES.ConfigMap, configMap('deleted'));
    await expect(admin.delete(RESOURCES.ConfigMap, metadata, {uid: 'another'})).rejects.toMatchObject({
      status: 409,
    });
    await expect(admin.delete(RESOURCES.ConfigMap, metadata, {resourceVersion: '1'})).rejects.toMatchObject({
      status: 409,
    });
    await admin.delete(RESOURCES.ConfigMap, metadata, {
      uid: metadata.uid,
      resourceVersion: metadata.resourceVersion,
    });
    expect(await admin.get(RESOURCES.ConfigMap, metadata)).toBeUndefined();
    await admin.delete(RESOURCES.ConfigMap, metadata);
  });

  test('a long list comes in pages, metadata alone where asked, with type and kind on each item', async () => {
    const names = Array.from({length: 25}, (_, index) => `page-${String(index).padStart(2, '0')}`);
    await Promise.all(
      names.map((name) =>
        admin.create(RESOURCES.Secret, {
          apiVersion: 'v1',
          kind: 'Secret',
          metadata: {name, namespace: 'kube-public', labels: {paged: 'yes'}},
          stringData: {password: 'hunter2'},
        }),
      ),
    );
    const selection = {namespace: 'kube-public', labelSelector: 'paged=yes'};
    const sizes: number[] = [];
    const versions = new Set<string>();
    for await (const page of admin.pages(RESOURCES.Secret, {...selection, limit: 10})) {
      sizes.push(page.items.length);
      versions.add(page.resourceVersion);
    }
    expect(sizes).toEqual([10, 10, 5]);
    expect(versions.size).toBe(1);
    const {items} = await admin.list(RESOURCES.Secret, {...selection, metadataOnly: true});
    expect(items.map((item) => item.metadata.name)).toEqual(names);
    expect(items.every((item) => item.kind === 'Secret' && item.apiVersion === 'v1')).toBe(true);
    expect(items.every((item) => !('data' in item))).toBe(true);
    const one = await admin.get(
      RESOURCES.Secret,
      {namespace: 'kube-public', name: 'page-00'},
      {metadataOnly: true},
    );
    expect(one).toMatchObject({kind: 'Secret', metadata: {name: 'page-00'}});
    expect(one).not.toHaveProperty('data');
  });

  test('a list that the server has forgotten half-way begins anew', async () => {
    const selection = {namespace: 'kube-public', labelSelector: 'paged=yes', limit: 10};
    const firsts: boolean[] = [];
    let names: string[] = [];
    const pages = admin.pages(RESOURCES.Secret, selection);
    for await (const page of pages) {
      firsts.push(page.first);
      names = page.first ? [] : names;
      names.push(...page.items.map((item) => item.metadata.name));
      if (firsts.length === 1) {
        await admin.mergePatch(
          RESOURCES.Secret,
          {namespace: 'kube-public', name: 'page-20'},
          {data: {x: 'eA=='}},
        );
        await api.compact();
        await api.restart();
      }
    }
    expect(firsts).toEqual([true, true]);
    expect(new Set(names).size).toBe(25);
  });
});

describe('errors', () => {
  test('a schema and a CEL rule answer with causes that name the field', async () => {
    const crd = {
      apiVersion: 'apiextensions.k8s.io/v1',
      kind: 'CustomResourceDefinition',
      metadata: {name: 'gadgets.example.com'},
      spec: {
        group: 'example.com',
        scope: 'Namespaced',
        names: {kind: 'Gadget', plural: 'gadgets', singular: 'gadget'},
        versions: [
          {
            name: 'v1',
            served: true,
            storage: true,
            subresources: {status: {}},
            schema: {
              openAPIV3Schema: {
                type: 'object',
                properties: {
                  spec: {
                    type: 'object',
                    properties: {size: {type: 'integer', minimum: 1}, max: {type: 'integer'}},
                    'x-kubernetes-validations': [
                      {
                        rule: '!has(self.max) || self.size <= self.max',
                        message: 'size: must not exceed max; raise max',
                      },
                    ],
                  },
                  status: {type: 'object', properties: {phase: {type: 'string'}}},
                },
              },
            },
          },
        ],
      },
    };
    await admin.create(RESOURCES.CustomResourceDefinition, crd);
    const gadgets: ResourceType = {
      apiVersion: 'example.com/v1',
      kind: 'Gadget',
      plural: 'gadgets',
      namespaced: true,
    };
    const gadget = (spec: object): KubeObject => ({
      apiVersion: 'example.com/v1',
      kind: 'Gadget',
      metadata: {name: 'g', namespace: 'default'},
      spec,
    });
    await eventually(async () => {
      const list = await admin.list(gadgets).catch((error: unknown) => error);
      return !(list instanceof Error);
    });
    await expect(admin.create(gadgets, gadget({size: 0}))).rejects.toMatchObject({
      status: 422,
      reason: 'Invalid',
      causes: [{field: 'spec.size', message: expect.stringContaining('greater than or equal to 1')}],
    });
    await expect(admin.create(gadgets, gadget({size: 3, max: 2}))).rejects.toMatchObject({
      status: 422,
      causes: [{field: 'spec', message: expect.stringContaining('size: must not exceed max; raise max')}],
    });
    const made = await admin.create(gadgets, gadget({size: 1}));
    const status = {
      apiVersion: 'example.com/v1',
      kind: 'Gadget',
      metadata: {name: 'g', namespace: 'default'},
    };
    const applied = await admin.apply<KubeObject>(
      gadgets,
      {...status, status: {phase: 'Ready'}},
      {fieldManager: 'status', subresource: 'status', force: true},
    );
    expect(applied['status']).toEqual({phase: 'Ready'});
    expect(applied.metadata.generation).toBe(made.metadata.generation);
  });

  test('a wrong value in a Secret is not quoted', async () => {
    const secret = {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: {name: 'quoted', namespace: 'default', labels: {a: 'hunter2 !'}},
    };
    const error: unknown = await admin.create(RESOURCES.Secret, secret).catch((caught: unknown) => caught);
    expect(error).toMatchObject({status: 422, message: expect.stringContaining('metadata.labels')});
    expect(String(error)).not.toContain('hunter2');
    expect(JSON.stringify(error)).not.toContain('hunter2');
  });

  test('no answer is an error of status 0 that says why', async () => {
    const dead = await KubeClient.fromKubeconfig(
      await api.kubeconfig('nobody', {server: 'https://127.0.0.1:1'}),
    );
    await expect(dead.raw('/readyz')).rejects.toMatchObject({status: 0, reason: 'ConnectionRefused'});
    await dead.close();
  });

  test('a call ends at its deadline, and at once when its signal aborts', async () => {
    api.freeze();
    const client = await api.client();
    try {
      const startedAt = performance.now();
      await expect(client.raw('/readyz', {timeoutMs: 300})).rejects.toMatchObject({
        status: 0,
        reason: 'Timeout',
      });
      const abort = new AbortController();
      setTimeout(() => abort.abort(new Error('enough')), 100);
      await expect(client.raw('/readyz', {signal: abort.signal})).rejects.toMatchObject({
        status: 0,
        reason: 'Aborted',
      });
      expect(performance.now() - startedAt).toBeLessThan(8000);
    } finally {
      api.thaw();
      await client.close();
    }
  });
});

test('isApiError tells by status and reason', async () => {
  const error: unknown = await admin
    .create(RESOURCES.Namespace, {apiVersion: 'v1', kind: 'Namespace', metadata: {name: 'default'}})
    .catch((caught: unknown) => caught);
  expect(isApiError(error, 409, 'AlreadyExists')).toBe(true);
  expect(isApiError(error, 409, 'Conflict')).toBe(false);
});
