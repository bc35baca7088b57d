import {afterAll, beforeAll, describe, expect, test} from 'vitest';
import {
  APPLIED_HASH,
  applyChild,
  applyChildObject,
  type ApplyOutcome,
  type ApplyPort,
  type ChildApply,
} from '../../../src/kube/apply.ts';
import {ForeignObjectError, type KubeClient} from '../../../src/kube/client.ts';
import {
  RESOURCES,
  type KubeObject,
  type OwnerReference,
  type ResourceType,
} from '../../../src/kube/objects.ts';
import type {ApiServer} from '../../support/apiserver.ts';
import {createNamespace} from '../../support/fraiseqlauths.ts';
import {sharedApiServer} from '../../support/shared-apiserver.ts';
import {childrenIn} from './children.ts';
import {counting} from './counting.ts';

const NAMESPACE = 'test-apply';
let api: ApiServer;
let admin: KubeClient;
let owner: OwnerReference;

beforeAll(async () => {
  api = await sharedApiServer();
  admin = api.admin;
  await createNamespace(admin, NAMESPACE);
  const parent = await admin.create<KubeObject>(RESOURCES.ConfigMap, {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: {name: 'parent', namespace: NAMESPACE},
  });
  owner = {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    name: 'parent',
    uid: parent.metadata.uid ?? '',
    controller: true,
    blockOwnerDeletion: true,
  };
});
afterAll(() => api.stop());

/** What was written here; others write elsewhere. */
const writes = async () => (await api.writes()).filter(({objectRef}) => objectRef?.namespace === NAMESPACE);

const manager = 'test-operator';
const labels = {'app.kubernetes.io/managed-by': manager, 'app.kubernetes.io/instance': 'x'};

interface Deployment extends KubeObject {
  spec: {
    replicas?: number;
    selector: object;
    template: {
      metadata: object;
      spec: {containers: {name: string; env?: {name: string; value: string}[]; [field: string]: unknown}[]};
    };
  };
}

/** A Deployment that leaves to the server what it can, and writes what the server writes otherwise. */
function deployment(name: string, env: Record<string, string> = {A: '1'}, replicas?: number): Deployment {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: {name, namespace: NAMESPACE, labels, ownerReferences: [owner]},
    spec: {
      ...(replicas === undefined ? {} : {replicas}),
      selector: {matchLabels: {app: name}},
      template: {
        metadata: {labels: {app: name}, annotations: {}},
        spec: {
          containers: [
            {
              name: 'server',
              image: 'example.com/server:1',
              env: Object.entries(env).map(([key, value]) => ({name: key, value})),
              args: [],
              ports: [{containerPort: 8000, name: 'http'}],
              resources: {requests: {cpu: '0.1', memory: '0.125Gi'}, limits: {memory: '1024Mi'}},
              readinessProbe: {httpGet: {path: '/ready', port: 'http'}, initialDelaySeconds: 0},
              securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: ['ALL']}},
              volumeMounts: [{name: 'tmp', mountPath: '/tmp', readOnly: false}],
            },
          ],
          volumes: [{name: 'tmp', emptyDir: {}}],
          hostNetwork: false,
        },
      },
    },
  } as Deployment;
}

function typeOf(object: KubeObject): ResourceType {
  const type = Object.values(RESOURCES).find(
    (one) => one.kind === object.kind && one.apiVersion === object.apiVersion,
  );
  if (type === undefined) throw new Error(object.kind);
  return type;
}

function read<T extends KubeObject>(object: T): Promise<T | undefined> {
  return admin.get<T>(typeOf(object), object.metadata);
}

/** Applies with what is there now, through a client that remembers nothing, as after a restart. */
async function applyNow<T extends KubeObject>(
  desired: T,
  more: Partial<ChildApply<T>> = {},
): Promise<{outcome: ApplyOutcome; calls: string[]}> {
  const {port, calls} = counting(admin);
  const outcome = await applyChild(port, {
    desired,
    live: await read(desired),
    fieldManager: manager,
    ...more,
  });
  return {outcome, calls};
}

describe('silent when converged', () => {
  test.each([deployment('converged'), ...childrenIn(NAMESPACE)].map((child) => [child.kind, child] as const))(
    'a %s is made once and never written again, though the server filled in and rewrote',
    async (_, child) => {
      const desired = {...child, metadata: {...child.metadata, labels, ownerReferences: [owner]}};
      expect(await applyNow(desired)).toEqual({outcome: 'created', calls: ['create']});
      expect(await applyNow(desired)).toEqual({outcome: 'unchanged', calls: []});
      const before = (await writes()).length;
      for (let round = 0; round < 5; round++) await applyNow(desired);
      expect(await writes()).toHaveLength(before);
      expect((await read(desired))?.metadata.annotations?.[APPLIED_HASH]).toMatch(/^[0-9a-f]{16}$/);
    },
  );

  test('what looks different for ever is applied once for each version, not over and over', async () => {
    // The server drops a field it does not know: the object never looks as desired.
    const desired = {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: {name: 'stubborn', namespace: NAMESPACE, labels, ownerReferences: [owner]},
      data: {a: '1'},
    };
    await applyNow(desired);
    const strange: KubeObject = {...desired, data: {a: '1'}, unheardOf: {x: 1}};
    const {port, calls} = counting(admin);
    const live = await read(strange);
    // SSA refuses unknown fields outright, so the field is cut on its way, as a webhook would.
    const cutting: ApplyPort = {
      ...port,
      apply(type, object, options) {
        return port.apply(type, {...object, unheardOf: undefined}, options);
      },
    };
    expect(await applyChild(cutting, {desired: strange, live, fieldManager: manager})).toBe('updated');
    const after = calls.length;
    expect(
      await applyChild(cutting, {desired: strange, live: await read(strange), fieldManager: manager}),
    ).toBe('unchanged');
    expect(await applyChild(cutting, {desired: strange, live, fieldManager: manager})).toBe('unchanged');
    expect(calls).toHaveLength(after);
  });

  test('with an old sight of the object nothing is written that was written before', async () => {
    const first = deployment('stale', {A: '1'});
    const {port, calls} = counting(admin);
    await applyChild(port, {desired: first, live: undefined, fieldManager: manager});
    const old = await read(first);
    const second = deployment('stale', {A: '2'});
    expect(await applyChild(port, {desired: second, live: old, fieldManager: manager})).toBe('updated');
    const before = (await writes()).length;
    expect(await applyChild(port, {desired: second, live: old, fieldManager: manager})).toBe('unchanged');
    // Another process, which knows nothing of it, looks before it writes.
    expect(await applyChild(counting(admin).port, {desired: second, live: old, fieldManager: manager})).toBe(
      'unchanged',
    );
    expect(await writes()).toHaveLength(before);
    expect(calls.filter((call) => call === 'create')).toHaveLength(1);
  });

  test('created by somebody faster who is ourselves: taken as it is', async () => {
    const desired = deployment('race');
    await applyNow(desired);
    expect(await applyNow(desired, {live: undefined})).toEqual({
      outcome: 'unchanged',
      calls: ['create', 'get'],
    });
  });
});

describe('changes', () => {
  test('what was created by POST loses what is no longer desired, in one new generation', async () => {
    await applyNow(deployment('shrinks', {A: '1', B: '2'}));
    const {outcome, calls} = await applyNow(deployment('shrinks', {A: '1'}));
    expect(outcome).toBe('updated');
    expect(calls).toEqual(['get', 'jsonPatch', 'apply']);
    const live = await read(deployment('shrinks'));
    expect(live?.spec.template.spec.containers[0]?.env).toEqual([{name: 'A', value: '1'}]);
    expect(live?.metadata.generation).toBe(2);
    expect((await applyNow(deployment('shrinks', {}))).calls).toEqual(['get', 'apply']);
    expect(await applyNow(deployment('shrinks', {}))).toEqual({outcome: 'unchanged', calls: []});
  });

  test('drift is put right; what others added stays', async () => {
    const desired = deployment('drifts');
    await applyNow(desired);
    await admin.mergePatch<KubeObject>(
      RESOURCES.Deployment,
      desired.metadata,
      {
        metadata: {
          labels: {'app.kubernetes.io/instance': 'edited', team: 'blue'},
          annotations: {note: 'by hand'},
        },
      },
      {fieldManager: 'kubectl-edit'},
    );
    expect((await applyNow(desired)).outcome).toBe('updated');
    const live = await read(desired);
    expect(live?.metadata.labels).toMatchObject({'app.kubernetes.io/instance': 'x', team: 'blue'});
    expect(live?.metadata.annotations).toMatchObject({note: 'by hand'});
    expect(await applyNow(desired)).toEqual({outcome: 'unchanged', calls: []});
  });

  test('replicas are set once and an autoscaler keeps them', async () => {
    const initially = {spec: {replicas: 3}};
    const desired = deployment('scaled');
    expect(await applyNow(desired, {initially})).toEqual({outcome: 'created', calls: ['create']});
    expect((await read(desired))?.spec.replicas).toBe(3);
    await admin.mergePatch(
      RESOURCES.Deployment,
      desired.metadata,
      {spec: {replicas: 5}},
      {fieldManager: 'hpa'},
    );
    expect(await applyNow(desired, {initially})).toEqual({outcome: 'unchanged', calls: []});
    await applyNow(deployment('scaled', {A: '2'}), {initially});
    expect((await read(desired))?.spec.replicas).toBe(5);
  });

  test('from fixed replicas to an autoscaler and back: never a moment with one', async () => {
    const fixed = deployment('handed', {A: '1'}, 4);
    await applyNow(fixed);
    await applyNow(deployment('handed', {A: '2'}, 4));
    const free = deployment('handed', {A: '2'});
    expect((await applyNow(free, {initially: {spec: {replicas: 2}}})).outcome).toBe('updated');
    expect((await read(free))?.spec.replicas).toBe(4);
    await admin.mergePatch(RESOURCES.Deployment, free.metadata, {spec: {replicas: 7}}, {fieldManager: 'hpa'});
    await applyNow(deployment('handed', {A: '3'}), {initially: {spec: {replicas: 2}}});
    expect((await read(free))?.spec.replicas).toBe(7);
    await applyNow(deployment('handed', {A: '3'}, 6));
    expect((await read(free))?.spec.replicas).toBe(6);
  });

  test('the object comes back with the outcome', async () => {
    const desired = deployment('returned');
    const made = await applyChildObject(admin, {desired, live: undefined, fieldManager: manager});
    expect(made.object.metadata.uid).toBeDefined();
  });
});

describe('what is not ours', () => {
  const base = {apiVersion: 'v1', kind: 'ConfigMap', data: {a: 'theirs'}};

  test('an object without our label is left alone, whether it was seen before or not', async () => {
    const foreign = await admin.create<KubeObject>(RESOURCES.ConfigMap, {
      ...base,
      metadata: {name: 'foreign', namespace: NAMESPACE},
    });
    const desired = {
      ...base,
      data: {a: 'ours'},
      metadata: {...foreign.metadata, labels, ownerReferences: [owner]},
    };
    delete desired.metadata.resourceVersion;
    for (const live of [undefined, foreign]) {
      await expect(applyChild(admin, {desired, live, fieldManager: manager})).rejects.toThrow(
        'ConfigMap test-apply/foreign exists and is not ours (it has no label app.kubernetes.io/managed-by)',
      );
    }
    expect((await read(foreign))?.['data']).toEqual({a: 'theirs'});
  });

  test('an object that another owner controls is left alone, our label or not', async () => {
    const other = {...owner, name: 'other', uid: '00000000-0000-0000-0000-000000000000'};
    const metadata = {name: 'owned', namespace: NAMESPACE, labels, ownerReferences: [other]};
    await admin.create<KubeObject>(RESOURCES.ConfigMap, {...base, metadata});
    const desired = {...base, metadata: {...metadata, ownerReferences: [owner]}};
    await expect(applyNow(desired)).rejects.toThrow(ForeignObjectError);
    await expect(applyNow(desired)).rejects.toThrow('ConfigMap other controls it');
  });

  test('one with our label that nobody controls is adopted', async () => {
    const metadata = {name: 'orphan', namespace: NAMESPACE, labels};
    await admin.create<KubeObject>(RESOURCES.ConfigMap, {...base, metadata});
    const desired = {...base, data: {a: 'ours'}, metadata: {...metadata, ownerReferences: [owner]}};
    expect((await applyNow(desired)).outcome).toBe('updated');
    const live = await read(desired);
    expect(live?.metadata.ownerReferences?.[0]?.uid).toBe(owner.uid);
    expect(live?.['data']).toEqual({a: 'ours'});
  });

  test('one that is being deleted is not written to', async () => {
    const metadata = {
      name: 'ending',
      namespace: NAMESPACE,
      labels,
      ownerReferences: [owner],
      finalizers: ['x.io/y'],
    };
    const desired = {...base, metadata};
    await applyNow(desired);
    await admin.delete(RESOURCES.ConfigMap, metadata);
    await expect(applyNow({...desired, data: {a: 'new'}})).rejects.toMatchObject({
      status: 409,
      reason: 'Terminating',
    });
  });
});
