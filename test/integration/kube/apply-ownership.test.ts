import {afterAll, beforeAll, expect, test} from 'vitest';
import {applyChild} from '../../../src/kube/apply.ts';
import {ForeignObjectError, type KubeClient} from '../../../src/kube/client.ts';
import {RESOURCES, type KubeObject, type OwnerReference} from '../../../src/kube/objects.ts';
import {Applying, labels, manager} from './applying.ts';

const NAMESPACE = 'test-ownership';
let applying: Applying;
let admin: KubeClient;
let owner: OwnerReference;

beforeAll(async () => {
  applying = await Applying.start(NAMESPACE);
  ({admin, owner} = applying);
});
afterAll(() => applying.api.stop());

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
      'ConfigMap test-ownership/foreign exists and is not ours (it has no label app.kubernetes.io/managed-by)',
    );
  }
  expect((await applying.read(foreign))?.['data']).toEqual({a: 'theirs'});
});

test('an object that another owner controls is left alone, our label or not', async () => {
  const other = {...owner, name: 'other', uid: '00000000-0000-0000-0000-000000000000'};
  const metadata = {name: 'owned', namespace: NAMESPACE, labels, ownerReferences: [other]};
  await admin.create<KubeObject>(RESOURCES.ConfigMap, {...base, metadata});
  const desired = {...base, metadata: {...metadata, ownerReferences: [owner]}};
  await expect(applying.now(desired)).rejects.toThrow(ForeignObjectError);
  await expect(applying.now(desired)).rejects.toThrow('ConfigMap other controls it');
});

test('one with our label that nobody controls is adopted', async () => {
  const metadata = {name: 'orphan', namespace: NAMESPACE, labels};
  await admin.create<KubeObject>(RESOURCES.ConfigMap, {...base, metadata});
  const desired = {...base, data: {a: 'ours'}, metadata: {...metadata, ownerReferences: [owner]}};
  expect((await applying.now(desired)).outcome).toBe('updated');
  const live = await applying.read(desired);
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
  await applying.now(desired);
  await admin.delete(RESOURCES.ConfigMap, metadata);
  await expect(applying.now({...desired, data: {a: 'new'}})).rejects.toMatchObject({
    status: 409,
    reason: 'Terminating',
  });
});
