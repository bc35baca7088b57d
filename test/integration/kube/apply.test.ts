import {afterAll, beforeAll, describe, expect, test} from 'vitest';
import {APPLIED_HASH} from '../../../src/kube/applied-hash.ts';
import {applyChild, applyChildObject, type ApplyPort} from '../../../src/kube/apply.ts';
import type {KubeClient} from '../../../src/kube/client.ts';
import {RESOURCES, type KubeObject, type OwnerReference} from '../../../src/kube/objects.ts';
import {Applying, labels, manager} from './applying.ts';
import {childrenIn} from './children.ts';
import {counting} from './counting.ts';

const NAMESPACE = 'test-apply';
let applying: Applying;
let admin: KubeClient;
let owner: OwnerReference;

beforeAll(async () => {
  applying = await Applying.start(NAMESPACE);
  ({admin, owner} = applying);
});
afterAll(() => applying.api.stop());

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

describe('silent when converged', () => {
  test.each([deployment('converged'), ...childrenIn(NAMESPACE)].map((child) => [child.kind, child] as const))(
    'a %s is made once and never written again, though the server filled in and rewrote',
    async (_, child) => {
      const desired = {...child, metadata: {...child.metadata, labels, ownerReferences: [owner]}};
      expect(await applying.now(desired)).toEqual({outcome: 'created', calls: ['create']});
      expect(await applying.now(desired)).toEqual({outcome: 'unchanged', calls: []});
      const before = (await applying.writes()).length;
      for (let round = 0; round < 5; round++) await applying.now(desired);
      expect(await applying.writes()).toHaveLength(before);
      expect((await applying.read(desired))?.metadata.annotations?.[APPLIED_HASH]).toMatch(
        /^[0-9a-f]{16}-[0-9a-f]{8}$/,
      );
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
    await applying.now(desired);
    const strange: KubeObject = {...desired, data: {a: '1'}, unheardOf: {x: 1}};
    const {port, calls} = counting(admin);
    const live = await applying.read(strange);
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
      await applyChild(cutting, {
        desired: strange,
        live: await applying.read(strange),
        fieldManager: manager,
      }),
    ).toBe('unchanged');
    expect(await applyChild(cutting, {desired: strange, live, fieldManager: manager})).toBe('unchanged');
    expect(calls).toHaveLength(after);
  });

  test('with an old sight of the object nothing is written that was written before', async () => {
    const first = deployment('stale', {A: '1'});
    const {port, calls} = counting(admin);
    await applyChild(port, {desired: first, live: undefined, fieldManager: manager});
    const old = await applying.read(first);
    const second = deployment('stale', {A: '2'});
    expect(await applyChild(port, {desired: second, live: old, fieldManager: manager})).toBe('updated');
    const before = (await applying.writes()).length;
    expect(await applyChild(port, {desired: second, live: old, fieldManager: manager})).toBe('unchanged');
    // Another process, which knows nothing of it, looks before it writes.
    expect(await applyChild(counting(admin).port, {desired: second, live: old, fieldManager: manager})).toBe(
      'unchanged',
    );
    expect(await applying.writes()).toHaveLength(before);
    expect(calls.filter((call) => call === 'create')).toHaveLength(1);
  });

  test('created by somebody faster who is ourselves: taken as it is', async () => {
    const desired = deployment('race');
    await applying.now(desired);
    expect(await applying.now(desired, {live: undefined})).toEqual({
      outcome: 'unchanged',
      calls: ['create', 'get'],
    });
  });
});

describe('a field that the server does not know', () => {
  const mistyped = (name: string): Deployment => {
    const whole = deployment(name);
    Object.assign(whole.spec.template.spec, {affinity: {nodeAffinty: {}}});
    return whole;
  };
  const refusal = (desired: Deployment): Promise<unknown> =>
    applying.now(desired).then(
      () => undefined,
      (error: unknown) => error,
    );

  test('is not dropped when the object is created: it is refused', async () => {
    const error = await refusal(mistyped('mistyped'));
    expect(error).toMatchObject({status: 400, transient: false});
    expect(String(error)).toContain('unknown field "spec.template.spec.affinity.nodeAffinty"');
    expect(await applying.read(mistyped('mistyped'))).toBeUndefined();
  });

  test('is refused of an object that is there, and no other try would do better', async () => {
    await applying.now(deployment('mistyped-later'));
    const error = await refusal(mistyped('mistyped-later'));
    expect(error).toMatchObject({transient: false});
    expect(String(error)).toContain('.affinity.nodeAffinty: field not declared in schema');
  });
});

describe('changes', () => {
  test('what was created by POST loses what is no longer desired, in one new generation', async () => {
    await applying.now(deployment('shrinks', {A: '1', B: '2'}));
    const {outcome, calls} = await applying.now(deployment('shrinks', {A: '1'}));
    expect(outcome).toBe('updated');
    expect(calls).toEqual(['get', 'jsonPatch', 'apply']);
    const live = await applying.read(deployment('shrinks'));
    expect(live?.spec.template.spec.containers[0]?.env).toEqual([{name: 'A', value: '1'}]);
    expect(live?.metadata.generation).toBe(2);
    expect((await applying.now(deployment('shrinks', {}))).calls).toEqual(['get', 'apply']);
    expect(await applying.now(deployment('shrinks', {}))).toEqual({outcome: 'unchanged', calls: []});
  });

  const settings = (name: string, data: Record<string, string>) => ({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: {name, namespace: NAMESPACE, labels, ownerReferences: [owner]},
    data,
  });

  test('another value is one call; a field that goes later goes all the same', async () => {
    await applying.now(settings('values', {a: '1', b: '1'}));
    expect(await applying.now(settings('values', {a: '2', b: '1'}))).toEqual({
      outcome: 'updated',
      calls: ['apply'],
    });
    expect(await applying.now(settings('values', {a: '2', b: '1'}))).toEqual({
      outcome: 'unchanged',
      calls: [],
    });
    const {calls} = await applying.now(settings('values', {a: '3'}));
    expect(calls).toEqual(['get', 'jsonPatch', 'apply']);
    expect((await applying.read(settings('values', {})))?.['data']).toEqual({a: '3'});
  });

  test('what is another by now, or no more, is looked at before it gets another value', async () => {
    await applying.now(settings('moved', {a: '1'}));
    const old = await applying.read(settings('moved', {}));
    const wanted = settings('moved', {a: '2'});
    await applying.now(wanted);
    expect(await applying.now(wanted, {live: old})).toEqual({outcome: 'unchanged', calls: ['apply', 'get']});
    await admin.delete(RESOURCES.ConfigMap, wanted.metadata);
    expect(await applying.now(wanted, {live: old})).toEqual({
      outcome: 'created',
      calls: ['apply', 'get', 'create'],
    });
  });

  test('drift is put right; what others added stays', async () => {
    const desired = deployment('drifts');
    await applying.now(desired);
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
    expect((await applying.now(desired)).outcome).toBe('updated');
    const live = await applying.read(desired);
    expect(live?.metadata.labels).toMatchObject({'app.kubernetes.io/instance': 'x', team: 'blue'});
    expect(live?.metadata.annotations).toMatchObject({note: 'by hand'});
    expect(await applying.now(desired)).toEqual({outcome: 'unchanged', calls: []});
  });

  test('replicas are set once and an autoscaler keeps them', async () => {
    const initially = {spec: {replicas: 3}};
    const desired = deployment('scaled');
    expect(await applying.now(desired, {initially})).toEqual({outcome: 'created', calls: ['create']});
    expect((await applying.read(desired))?.spec.replicas).toBe(3);
    await admin.mergePatch(
      RESOURCES.Deployment,
      desired.metadata,
      {spec: {replicas: 5}},
      {fieldManager: 'hpa'},
    );
    expect(await applying.now(desired, {initially})).toEqual({outcome: 'unchanged', calls: []});
    await applying.now(deployment('scaled', {A: '2'}), {initially});
    expect((await applying.read(desired))?.spec.replicas).toBe(5);
  });

  test('from fixed replicas to an autoscaler and back: never a moment with one', async () => {
    const fixed = deployment('handed', {A: '1'}, 4);
    await applying.now(fixed);
    await applying.now(deployment('handed', {A: '2'}, 4));
    const free = deployment('handed', {A: '2'});
    expect((await applying.now(free, {initially: {spec: {replicas: 2}}})).outcome).toBe('updated');
    expect((await applying.read(free))?.spec.replicas).toBe(4);
    await admin.mergePatch(RESOURCES.Deployment, free.metadata, {spec: {replicas: 7}}, {fieldManager: 'hpa'});
    await applying.now(deployment('handed', {A: '3'}), {initially: {spec: {replicas: 2}}});
    expect((await applying.read(free))?.spec.replicas).toBe(7);
    await applying.now(deployment('handed', {A: '3'}, 6));
    expect((await applying.read(free))?.spec.replicas).toBe(6);
  });

  test('the object comes back with the outcome', async () => {
    const desired = deployment('returned');
    const made = await applyChildObject(admin, {desired, live: undefined, fieldManager: manager});
    expect(made.object.metadata.uid).toBeDefined();
  });
});
