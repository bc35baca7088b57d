import {afterAll, beforeAll, expect, test} from 'vitest';
import {KubeClient} from '../../../src/kube/client.ts';
import {EventRecorder, type Event} from '../../../src/kube/events.ts';
import {RESOURCES, type KubeObject} from '../../../src/kube/objects.ts';
import type {ApiServer} from '../../support/apiserver.ts';
import {createNamespace} from '../../support/fraiseqlauths.ts';
import {sharedApiServer} from '../../support/shared-apiserver.ts';

const NAMESPACE = 'test-events';
let api: ApiServer;
let admin: KubeClient;

beforeAll(async () => {
  api = await sharedApiServer();
  admin = api.admin;
  await createNamespace(admin, NAMESPACE);
});
afterAll(() => api.stop());

function setUp(client: KubeClient = admin): {recorder: EventRecorder; outcomes: Record<string, number>} {
  const outcomes: Record<string, number> = {};
  const recorder = new EventRecorder(client, {
    component: 'test-operator',
    instance: 'test-operator-0',
    metrics: {outcome: (outcome) => (outcomes[outcome] = (outcomes[outcome] ?? 0) + 1)},
  });
  return {recorder, outcomes};
}

async function subject(name: string): Promise<KubeObject> {
  const made = await admin.create<KubeObject>(RESOURCES.ConfigMap, {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: {name, namespace: NAMESPACE},
  });
  return {...made, apiVersion: 'v1', kind: 'ConfigMap'};
}

async function eventsOf(name: string, namespace = NAMESPACE): Promise<Event[]> {
  const {items} = await admin.list<Event>(RESOURCES.Event, {namespace});
  return items.filter((event) => event.regarding['name'] === name);
}

test('an event is as kubectl describe shows it', async () => {
  const {recorder} = setUp();
  const object = await subject('described');
  recorder.record(
    object,
    'Warning',
    'SecretMissing',
    'Secret default/db does not exist; create it',
    'Reconcile',
  );
  await recorder.flush();
  expect(await eventsOf('described')).toMatchObject([
    {
      type: 'Warning',
      reason: 'SecretMissing',
      action: 'Reconcile',
      note: 'Secret default/db does not exist; create it',
      reportingController: 'test-operator',
      reportingInstance: 'test-operator-0',
      regarding: {
        apiVersion: 'v1',
        kind: 'ConfigMap',
        namespace: NAMESPACE,
        name: 'described',
        uid: object.metadata.uid,
      },
    },
  ]);
});

test('repeats become one series', async () => {
  const {recorder, outcomes} = setUp();
  const object = await subject('repeated');
  for (let repeat = 0; repeat < 50; repeat++)
    recorder.record(object, 'Normal', 'Waiting', 'for the database');
  await recorder.flush();
  for (let repeat = 0; repeat < 50; repeat++)
    recorder.record(object, 'Normal', 'Waiting', 'for the database');
  recorder.record(object, 'Normal', 'Waiting', 'for the provider');
  await recorder.flush();
  const events = await eventsOf('repeated');
  expect(Object.fromEntries(events.map((event) => [event.note, event.series?.count]))).toEqual({
    'for the database': 100,
    'for the provider': undefined,
  });
  expect(events).toHaveLength(2);
  expect(outcomes).toEqual({aggregated: 99, written: 4});
});

test('a series whose event the server has dropped starts anew', async () => {
  const {recorder} = setUp();
  const object = await subject('dropped');
  recorder.record(object, 'Normal', 'Waiting', 'for the database');
  await recorder.flush();
  const [event] = await eventsOf('dropped');
  if (event === undefined) throw new Error('no event');
  await admin.delete(RESOURCES.Event, event.metadata);
  recorder.record(object, 'Normal', 'Waiting', 'for the database');
  await recorder.flush();
  expect(await eventsOf('dropped')).toMatchObject([{series: {count: 2}}]);
});

test('an object with too much to say is cut short; others are heard', async () => {
  const {recorder, outcomes} = setUp();
  const [loud, quiet] = [await subject('loud'), await subject('quiet')];
  for (let note = 0; note < 60; note++) recorder.record(loud, 'Normal', 'Noise', `note ${note}`);
  recorder.record(quiet, 'Normal', 'Word', 'one');
  await recorder.flush();
  expect((await eventsOf('loud')).length).toBe(20);
  expect(outcomes).toMatchObject({rate_limited: 40});
  expect(await eventsOf('quiet')).toHaveLength(1);
});

test('about an object without a namespace, and with a text that is too long', async () => {
  const {recorder} = setUp();
  const found = await admin.get<KubeObject>(RESOURCES.Namespace, {name: 'kube-public'});
  if (found === undefined) throw new Error('no namespace');
  recorder.record(found, 'Normal', 'Long', 'ü'.repeat(2000));
  await recorder.flush();
  const [event] = await eventsOf('kube-public', 'default');
  expect(Buffer.byteLength(event?.note ?? '')).toBeLessThanOrEqual(1024);
  expect(event?.note).toMatch(/^ü+…$/);
});

test('without an API server nothing throws, and what is lost is counted', async () => {
  const dead = await KubeClient.fromKubeconfig(await api.kubeconfig('dead', {server: 'https://127.0.0.1:1'}));
  const {recorder, outcomes} = setUp(dead);
  const object = await subject('unheard');
  recorder.record(object, 'Normal', 'Word', 'one');
  recorder.record(object, 'Normal', 'Word', 'two');
  await recorder.flush();
  expect(outcomes).toEqual({failed: 2});
  await dead.close();
});
