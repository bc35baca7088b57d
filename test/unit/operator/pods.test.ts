import {expect, test} from 'vitest';
import {explainPod} from '../../../src/operator/decide/pods.ts';
import type {ContainerStatus} from '../../../src/operator/workloads.ts';

const terminated = {exitCode: 1, reason: 'Error'};

test.each<[string, Omit<ContainerStatus, 'name' | 'ready'>, string]>([
  ['a pod of a Job that ended', {restartCount: 0, state: {terminated}}, ''],
  ['one that has just ended again', {restartCount: 2, state: {terminated}, lastState: {terminated}}, ''],
  [
    'one that ended for the first time and waits',
    {restartCount: 0, state: {waiting: {reason: 'CrashLoopBackOff'}}, lastState: {terminated}},
    '',
  ],
  [
    'one that waits to be started again',
    {restartCount: 2, state: {waiting: {reason: 'CrashLoopBackOff'}}, lastState: {terminated}},
    ' --previous',
  ],
])('the log of %s is where the hint says', (_what, container, flag) => {
  const pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {name: 'auth-1', namespace: 'prod'},
    status: {containerStatuses: [{name: 'server', ready: false, ...container}]},
  };
  expect(explainPod(pod, 0)).toMatchObject({
    reason: 'ContainerCrashing',
    hint: `See: kubectl logs auth-1 -n prod${flag}`,
  });
});
