import {expect, test} from 'vitest';
import {assessRollout} from '../../../src/operator/decide/rollout.ts';
import type {Deployment, ReplicaSet} from '../../../src/operator/workloads.ts';

const REVISION = 'deployment.kubernetes.io/revision';

test("a Deployment whose own counts lag behind its ReplicaSet's contradicts nothing", () => {
  const live: Deployment = {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: {name: 'auth', namespace: 'default', uid: 'd', generation: 1, annotations: {[REVISION]: '1'}},
    spec: {replicas: 3},
    status: {observedGeneration: 1, replicas: 3, updatedReplicas: 3, readyReplicas: 1},
  };
  const set: ReplicaSet = {
    apiVersion: 'apps/v1',
    kind: 'ReplicaSet',
    metadata: {
      name: 'auth-1',
      namespace: 'default',
      uid: 'r',
      annotations: {[REVISION]: '1'},
      ownerReferences: [
        {apiVersion: 'apps/v1', kind: 'Deployment', name: 'auth', uid: 'd', controller: true},
      ],
    },
    spec: {replicas: 3},
    status: {replicas: 3, readyReplicas: 3, availableReplicas: 3},
  };
  const rollout = assessRollout(live, {pods: [], replicaSets: [set], logLines: new Map()}, 0);
  expect(rollout).toMatchObject({state: 'Complete', newReady: 3, ready: 3, replicas: 3});
});

test('it is complete when its pods have been ready for as long as they have to be', () => {
  const live: Deployment = {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: {name: 'auth', generation: 2},
    spec: {replicas: 3, minReadySeconds: 10},
    status: {observedGeneration: 2, replicas: 3, updatedReplicas: 3, readyReplicas: 3, availableReplicas: 2},
  };
  const seen = {pods: [], replicaSets: [], logLines: new Map<string, string>()};
  expect(assessRollout(live, seen, 0)).toMatchObject({state: 'InProgress', newReady: 3, newAvailable: 2});
  const later = {...live, status: {...live.status, availableReplicas: 3}};
  expect(assessRollout(later, seen, 0).state).toBe('Complete');
});
