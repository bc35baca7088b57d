import {expect, test} from 'vitest';
import {EventRecorder, type Event, type EventPort} from '../../../src/kube/events.ts';
import type {KubeObject} from '../../../src/kube/objects.ts';
import {FakeClock, settle} from './fake-clock.ts';

/** A server that answers when it is told to, and keeps what was written. */
function setUp(): {
  clock: FakeClock;
  recorder: EventRecorder;
  created: Event[];
  patches: unknown[];
  outcomes: Record<string, number>;
  hold: {promise: Promise<void> | undefined};
} {
  const clock = new FakeClock();
  const [created, patches]: [Event[], unknown[]] = [[], []];
  const hold: {promise: Promise<void> | undefined} = {promise: undefined};
  const outcomes: Record<string, number> = {};
  const port = {
    async create(_type: unknown, event: Event) {
      await hold.promise;
      created.push(event);
      return event;
    },
    async mergePatch(_type: unknown, _key: unknown, patch: unknown) {
      await hold.promise;
      patches.push(patch);
    },
  };
  const recorder = new EventRecorder(port as unknown as EventPort, {
    component: 'c',
    instance: 'i',
    clock,
    metrics: {outcome: (outcome) => (outcomes[outcome] = (outcomes[outcome] ?? 0) + 1)},
  });
  return {clock, recorder, created, patches, outcomes, hold};
}

const object = (name: string): KubeObject => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: {name, namespace: 'ns', uid: name},
});

test('repeats are written together, a few seconds after the first of them, and silence follows', async () => {
  const {clock, recorder, created, patches} = setUp();
  for (let second = 0; second < 3; second++) {
    recorder.record(object('a'), 'Normal', 'Word', 'one');
    await clock.advance(1000);
  }
  expect([created.length, patches.length]).toEqual([1, 0]);
  await clock.advance(2000);
  expect(patches).toMatchObject([{series: {count: 3}}]);
  await clock.advance(3_600_000);
  expect(patches).toHaveLength(1);
  expect(clock.timers).toBe(0);
});

test('what comes back after a long while is a new event', async () => {
  const {clock, recorder, created} = setUp();
  recorder.record(object('a'), 'Normal', 'Word', 'one');
  await clock.advance(11 * 60_000);
  recorder.record(object('a'), 'Normal', 'Word', 'one');
  await settle();
  expect(created).toHaveLength(2);
  expect(new Set(created.map((event) => event.metadata.name)).size).toBe(2);
});

test('an object that was cut short is heard again as time passes', async () => {
  const {clock, recorder, created} = setUp();
  const noise = (from: number): void => {
    for (let note = 0; note < 30; note++)
      recorder.record(object('a'), 'Normal', 'Noise', `note ${from + note}`);
  };
  noise(0);
  await settle();
  expect(created).toHaveLength(20);
  await clock.advance(60_000);
  noise(100);
  await settle();
  expect(created).toHaveLength(24);
});

test('a burst beyond what may wait is dropped, without holding anybody up', async () => {
  const {recorder, created, outcomes, hold} = setUp();
  const {promise, resolve} = Promise.withResolvers<void>();
  hold.promise = promise;
  for (let one = 0; one < 2000; one++) recorder.record(object(`o${one}`), 'Normal', 'Word', 'one');
  resolve();
  await recorder.flush();
  expect(created).toHaveLength(1025);
  expect(outcomes).toEqual({dropped: 975, written: 1025});
});

test('a graceful stop waits so long and no longer', async () => {
  const {clock, recorder, outcomes, hold} = setUp();
  hold.promise = new Promise(() => undefined);
  for (let n = 0; n < 10; n++) recorder.record(object(`o${n}`), 'Normal', 'Said', 'something');
  let flushed = false;
  void recorder.flush(1000).then(() => (flushed = true));
  await clock.advance(900);
  expect(flushed).toBe(false);
  await clock.advance(200);
  expect(flushed).toBe(true);
  expect(outcomes['dropped']).toBe(9);
});
