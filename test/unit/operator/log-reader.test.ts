import {expect, test} from 'vitest';
import {LogReader} from '../../../src/operator/observe/log-reader.ts';
import type {Pod} from '../../../src/operator/workloads.ts';
import {FakeClock} from './fake-clock.ts';

const pod = (name: string, restartCount = 1): Pod => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: {name, namespace: 'prod', uid: `uid-${name}`},
  status: {
    containerStatuses: [
      {name: 'server', restartCount, state: {waiting: {reason: 'CrashLoopBackOff'}}, lastState: {}},
    ],
  },
});

function reader(read: (name: string) => Promise<string>) {
  const clock = new FakeClock();
  const asked: string[] = [];
  const podLogs = ({name}: {name: string}): Promise<string> => {
    asked.push(name);
    return read(name);
  };
  const {signal} = new AbortController();
  const logs = new LogReader({podLogs}, {clock, logger: {debug: () => undefined}});
  return {clock, asked, lines: (pods: Pod[]) => logs.lastLines(pods, signal)};
}

test('logs are read side by side, and each once a crash', async () => {
  const gate = Promise.withResolvers<void>();
  const {asked, lines} = reader(async (name) => {
    await gate.promise;
    return `${name} cannot start\n`;
  });
  const first = lines([pod('a'), pod('b')]);
  expect(asked).toEqual(['a', 'b']);
  gate.resolve();
  const found = new Map([
    ['uid-a', 'a cannot start'],
    ['uid-b', 'b cannot start'],
  ]);
  expect(await first).toEqual(found);
  expect(await lines([pod('a'), pod('b')])).toEqual(found);
  await lines([pod('a', 2)]);
  expect(asked).toEqual(['a', 'b', 'a']);
});

test('a log that cannot be read is not asked for at every pass', async () => {
  const {clock, asked, lines} = reader(() => Promise.reject(new Error('no route to the kubelet')));
  for (let pass = 0; pass < 5; pass++) expect(await lines([pod('a')])).toEqual(new Map());
  expect(asked).toEqual(['a']);
  await clock.advance(61_000);
  await lines([pod('a')]);
  expect(asked).toEqual(['a', 'a']);
});
