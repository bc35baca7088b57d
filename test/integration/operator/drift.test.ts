import {afterAll, beforeAll, describe, expect, test} from 'vitest';
import {FRAISEQLAUTH} from '../../../src/api/v1alpha1/group-version.ts';
import {RESOURCES, type KubeObject, type ResourceType} from '../../../src/kube/objects.ts';
import type {Deployment} from '../../../src/operator/workloads.ts';
import {playControllers} from './controllers.ts';
import {eventually, fraiseqlauth, type Observer, PRODUCTION, startHarness, type Harness} from './harness.ts';

let harness: Harness;
beforeAll(async () => {
  harness = await startHarness();
});
afterAll(() => harness.stop());

async function apply(): Promise<{namespace: string; see: Observer; stop: () => Promise<void>}> {
  const {namespace, see} = await harness.prepare({operated: true});
  const controllers = playControllers(see);
  await harness.admin.create(FRAISEQLAUTH, fraiseqlauth(namespace, PRODUCTION));
  await eventually(async () => (await see.condition('Ready')).status === 'True');
  await eventually(async () => (await see.children()).includes('CronJob/auth-backup'));
  return {namespace, see, stop: () => controllers.stop()};
}

/** Every kind of child: its name, and an edit of something that is ours. */
const CHILDREN: readonly {
  readonly type: ResourceType;
  readonly name: RegExp;
  readonly edit: Record<string, unknown>;
  /** What cannot be edited is only deleted. */
  readonly immutable?: boolean;
}[] = [
  {type: RESOURCES.ServiceAccount, name: /^auth$/, edit: {automountServiceAccountToken: true}},
  {type: RESOURCES.ServiceAccount, name: /^auth-backup$/, edit: {automountServiceAccountToken: true}},
  {type: RESOURCES.ConfigMap, name: /^auth-config-/, edit: {}, immutable: true},
  {
    type: RESOURCES.Deployment,
    name: /^auth$/,
    edit: {spec: {template: {spec: {serviceAccountName: 'other'}}}},
  },
  {type: RESOURCES.Service, name: /^auth$/, edit: {spec: {selector: {stolen: 'yes'}}}},
  {
    type: RESOURCES.PodDisruptionBudget,
    name: /^auth$/,
    edit: {metadata: {labels: {'app.kubernetes.io/name': 'x'}}},
  },
  {type: RESOURCES.HorizontalPodAutoscaler, name: /^auth$/, edit: {spec: {maxReplicas: 99}}},
  {type: RESOURCES.CronJob, name: /^auth-backup$/, edit: {spec: {schedule: '@yearly'}}},
];

const named = async (see: Observer, type: ResourceType, name: RegExp): Promise<KubeObject | undefined> =>
  (await see.list<KubeObject>(type)).find((each) => name.test(each.metadata.name));

/** What we want of it: its spec, and our labels; but not the addresses that a Service gets, and the template's hashes. */
const ours = ({kind, metadata, spec, automountServiceAccountToken}: KubeObject): unknown => {
  const {clusterIP: _, clusterIPs: __, template, ...rest} = (spec ?? {}) as Record<string, unknown>;
  const account = (template as {spec?: {serviceAccountName?: string}} | undefined)?.spec?.serviceAccountName;
  return {kind, labels: metadata.labels, spec: rest, account, automountServiceAccountToken};
};

describe.concurrent('drift', () => {
  test('every kind of child that is deleted or edited is back at once, and is what it was', async () => {
    const {namespace, see, stop} = await apply();
    const took: {what: string; ms: number}[] = [];
    for (const {type, name, edit, immutable} of CHILDREN) {
      const before = await named(see, type, name);
      if (before === undefined) throw new Error(`there is no ${type.kind} ${name.source}`);
      const key = {namespace, name: before.metadata.name};
      const restored = async (): Promise<false | KubeObject> => {
        const live = await see.get<KubeObject>(type, key.name);
        return (
          live !== undefined && live.metadata.resourceVersion !== before.metadata.resourceVersion && live
        );
      };
      if (immutable !== true) {
        await harness.admin.mergePatch(type, key, edit);
        const since = performance.now();
        const wanted = JSON.stringify(ours(before));
        await eventually(async () => {
          const live = await restored();
          return live !== false && JSON.stringify(ours(live)) === wanted;
        });
        took.push({what: `${type.kind} edited`, ms: performance.now() - since});
      }
      await harness.admin.delete(type, key, {propagationPolicy: 'Background'});
      const since = performance.now();
      const anew = await eventually(async () => {
        const live = await restored();
        return live !== false && live.metadata.uid !== before.metadata.uid && live;
      });
      took.push({what: `${type.kind} deleted`, ms: performance.now() - since});
      expect(ours(anew)).toEqual(ours(before));
    }
    await stop();
    const [slowest] = took.toSorted((a, b) => b.ms - a.ms);
    console.log(
      `drift: ${took.length} times put right; the slowest: ${slowest?.what}, ${slowest?.ms.toFixed()} ms`,
    );
    expect(slowest?.ms).toBeLessThan(5000);
  });

  test('Secrets and Jobs have their labels and their owner back, and are otherwise left alone', async () => {
    const {namespace, see, stop} = await apply();
    const job = (await see.migrationJob()).metadata.name;
    const edits = [
      {labels: {'app.kubernetes.io/managed-by': null, 'app.kubernetes.io/part-of': null, team: 'a'}},
      {labels: {'app.kubernetes.io/instance': 'another'}},
      {ownerReferences: null},
    ];
    for (const name of ['auth-signing-keys', 'auth-state']) {
      const before = await see.get<KubeObject>(RESOURCES.Secret, name);
      for (const metadata of edits) {
        await harness.admin.mergePatch(RESOURCES.Secret, {namespace, name}, {metadata});
        await eventually(async () => {
          const {labels, ownerReferences} = (await see.get(RESOURCES.Secret, name))?.metadata ?? {};
          expect({labels, ownerReferences}).toEqual({
            labels: {...before?.metadata.labels, team: 'a'},
            ownerReferences: before?.metadata.ownerReferences,
          });
        });
      }
      const after = await see.get<KubeObject>(RESOURCES.Secret, name);
      expect(after?.['data']).toEqual(before?.['data']);
      expect(after?.metadata.annotations).toEqual(before?.metadata.annotations);
      expect(after?.metadata.uid).toBe(before?.metadata.uid);
    }
    const owner = (await see.get(RESOURCES.Job, job))?.metadata.ownerReferences;
    const part = {'app.kubernetes.io/part-of': null};
    await harness.admin.mergePatch(RESOURCES.Job, {namespace, name: job}, {metadata: {labels: part}});
    await eventually(async () => {
      const {labels, ownerReferences} = (await see.get(RESOURCES.Job, job))?.metadata ?? {};
      expect(labels?.['app.kubernetes.io/part-of']).toBe('fraiseql-auth');
      expect(ownerReferences).toEqual(owner);
    });
    await stop();
  });

  test('what others own is left alone: pods of the autoscaler, injected annotations, a label', async () => {
    const {namespace, see, stop} = await apply();
    const key = {namespace, name: 'auth'};
    await harness.admin.apply(
      RESOURCES.Deployment,
      {
        apiVersion: 'apps/v1',
        kind: 'Deployment',
        metadata: {...key, labels: {team: 'a'}},
        spec: {template: {metadata: {annotations: {'sidecar.example.com/injected': 'yes'}}}},
      },
      {fieldManager: 'mesh'},
    );
    await harness.admin.mergePatch(
      RESOURCES.Deployment,
      key,
      {spec: {replicas: 7}},
      {fieldManager: 'kube-controller-manager'},
    );
    for (const {type, name} of CHILDREN) {
      const live = await named(see, type, name);
      await harness.admin.mergePatch(
        type,
        {namespace, name: live?.metadata.name ?? ''},
        {metadata: {labels: {team: 'a'}, annotations: {'example.com/note': 'mine'}}},
      );
    }
    // A change that is applied to most of them, and one of a kind that is put right.
    await harness.admin.mergePatch(FRAISEQLAUTH, key, {
      spec: {logging: {level: 'debug'}, autoscaling: {maxReplicas: 9}, backup: {schedule: '@hourly'}},
    });
    await harness.admin.mergePatch(RESOURCES.Service, key, {spec: {selector: {stolen: 'yes'}}});
    const live = await eventually(async () => {
      const found = await see.get<Deployment>(RESOURCES.Deployment, 'auth');
      return JSON.stringify(found?.spec?.template).includes('"debug"') && found;
    });
    expect(live?.spec?.replicas).toBe(7);
    expect(live?.spec?.template?.metadata?.annotations?.['sidecar.example.com/injected']).toBe('yes');
    await eventually(async () => {
      const service = await see.get<KubeObject>(RESOURCES.Service, 'auth');
      expect(JSON.stringify(service?.['spec'])).not.toContain('stolen');
    });
    for (const {type, name, immutable} of CHILDREN) {
      // The configuration is another object now.
      if (immutable === true) continue;
      const metadata = (await named(see, type, name))?.metadata;
      expect({kind: type.kind, label: metadata?.labels?.['team']}).toEqual({kind: type.kind, label: 'a'});
      expect(metadata?.annotations?.['example.com/note']).toBe('mine');
    }
    await stop();
  });

  test('an object of the same name that is not ours is never taken over, of whatever kind', async () => {
    const {namespace, see} = await harness.prepare({operated: true});
    const model = await apply();
    const theirs: {type: ResourceType; object: KubeObject}[] = [];
    for (const {type, name, immutable} of CHILDREN) {
      if (immutable === true) continue;
      const like = await named(model.see, type, name);
      if (like === undefined) throw new Error(`there is no ${type.kind}`);
      const {apiVersion, kind, metadata, spec} = like;
      const {clusterIP: _, clusterIPs: __, ...rest} = (spec ?? {}) as Record<string, unknown>;
      const object = await harness.admin.create<KubeObject>(type, {
        apiVersion,
        kind,
        metadata: {name: metadata.name, namespace, labels: {owner: 'somebody'}},
        ...(spec !== undefined && {spec: rest}),
      });
      theirs.push({type, object});
    }
    await model.stop();
    const controllers = playControllers(see);
    await harness.admin.create(FRAISEQLAUTH, fraiseqlauth(namespace, PRODUCTION));
    await eventually(async () => (await see.condition('Ready')).reason === 'ObjectNotOurs');
    await controllers.stop();
    for (const {type, object} of theirs) {
      const live = await see.get<KubeObject>(type, object.metadata.name);
      expect(live?.metadata.uid).toBe(object.metadata.uid);
      expect(live?.metadata.ownerReferences).toBeUndefined();
      expect(live?.['spec']).toEqual(object['spec']);
      expect(live?.metadata.labels).toEqual({owner: 'somebody'});
    }
  });

  test('a program that changes a child each time is named, and not fought at full speed', async () => {
    const {namespace, see, stop} = await apply();
    const service = {namespace, name: 'auth'};
    const patch = {spec: {selector: {stolen: 'yes'}}};
    const steal = (): Promise<KubeObject> =>
      harness.admin.mergePatch<KubeObject>(RESOURCES.Service, service, patch, {
        fieldManager: 'mesh-controller',
      });
    let steals = 0;
    const givesUp = new AbortController();
    const rival = (async () => {
      while (!givesUp.signal.aborted) {
        const selector = (await see.get<KubeObject>(RESOURCES.Service, 'auth'))?.['spec'] as
          | {selector?: Record<string, string>}
          | undefined;
        if (selector?.selector?.['stolen'] === undefined) {
          await steal();
          steals++;
        }
        await new Promise((resolve) => void setTimeout(resolve, 10));
      }
    })();
    await eventually(async () => (await see.condition('Ready')).reason === 'ChildContested', 100_000);
    const {message} = await see.condition('Ready');
    expect(message).toContain(
      'Service auth was put right 120 times in a row, and mesh-controller changes it',
    );
    const before = steals;
    await new Promise((resolve) => void setTimeout(resolve, 5000));
    expect(steals - before).toBeLessThanOrEqual(1);
    givesUp.abort();
    await rival;
    await stop();
  });
});
