import {expect, test} from 'vitest';
import {ApiError} from '../../../src/kube/client.ts';
import {RESOURCES, type KubeObject} from '../../../src/kube/objects.ts';
import {apply} from '../../../src/operator/decide/steps.ts';
import {serviceAccount} from '../../../src/operator/desired/service-account.ts';
import {Overlay} from '../../../src/operator/observe/overlay.ts';
import {act, type Acted, type Cluster} from '../../../src/operator/reconcile/act.ts';
import {Contests} from '../../../src/operator/reconcile/contests.ts';
import {systemClock} from '../../../src/support/clock.ts';
import {instance} from '../../fixtures/desired.ts';
import {productionSpec} from '../../fixtures/specs.ts';
import {World} from './world.ts';

/** An API server that makes what it is asked for, and whose first answer is lost. */
function losesAnAnswer(): Cluster {
  let stored: KubeObject | undefined;
  return {
    create: (_type: unknown, object: KubeObject) => {
      if (stored !== undefined) return Promise.reject(new ApiError(409, 'AlreadyExists', 'it exists'));
      stored = {...object, metadata: {...object.metadata, uid: 'made', resourceVersion: '1'}};
      return Promise.reject(new ApiError(0, 'ConnectionReset', 'read ECONNRESET'));
    },
    get: () => Promise.resolve(stored),
  } as unknown as Cluster;
}

test('what is found done, in a version that no watch has shown, is told as such, for it may ask for more', async () => {
  const world = new World(productionSpec());
  const cluster = losesAnAnswer();
  const steps = apply(RESOURCES.ServiceAccount, serviceAccount(instance(productionSpec(), 'auth', 'prod')));
  const context = {
    cluster,
    caches: {settle: () => undefined},
    contests: new Contests(systemClock),
    overlay: new Overlay(systemClock),
    mintKey: () => Promise.reject(new Error('no key is to be made')),
    resource: world.resource,
    signal: new AbortController().signal,
  };
  const pass = (children: readonly KubeObject[]): Promise<Acted> => {
    const known = new Map(children.map((each) => [`${each.kind}/${each.metadata.name}`, each]));
    return act(context, steps, {...world.observed, children: known});
  };
  const lost = await pass([]);
  expect(lost).toMatchObject({overtaken: false, changes: [], written: []});
  expect(lost.failures).toHaveLength(1);
  // The watch is as late as the answer.
  const found = await pass([]);
  expect(found).toMatchObject({overtaken: true, changes: [], failures: []});
  expect(found.written).toHaveLength(1);
  expect(await pass(found.written)).toMatchObject({overtaken: false, changes: [], written: [], failures: []});
});
