import {setTimeout as delay} from 'node:timers/promises';
import {afterAll, beforeAll, describe, expect, test} from 'vitest';
import {FRAISEQLAUTH} from '../../../src/api/v1alpha1/group-version.ts';
import {KubeClient} from '../../../src/kube/client.ts';
import {RESOURCES} from '../../../src/kube/objects.ts';
import {systemClock, type Clock} from '../../../src/support/clock.ts';
import {startApiProxy, type ApiProxy, type HttpFaults} from '../../support/api-proxy.ts';
import {childrenByOwner, normalised} from '../../support/normalised.ts';
import {Tally} from '../../support/simulation/faults.ts';
import {Random} from '../../support/simulation/random.ts';
import {playControllers} from './controllers.ts';
import {
  createSecrets,
  eventually,
  fraiseqlauth,
  Observer,
  startOwnHarness,
  type OwnHarness,
  type Stored,
} from './harness.ts';

// The faults of a network and of an API server, each by itself and all together, before a real one. FAULT_ROUNDS says
// how often, FAULT_SEED which chances.

const ROUNDS = Number(process.env['FAULT_ROUNDS'] ?? '1');
const SEED = Number(process.env['FAULT_SEED'] ?? '1');
const HOUR = 3_600_000;

let harness: OwnHarness;
beforeAll(async () => {
  harness = await startOwnHarness();
});
afterAll(() => harness.stop());

const tally = new Tally();

/** Each by itself; the server's restart and the clocks are in all of them. */
const MIXTURES: Readonly<Record<string, HttpFaults>> = {
  'a lagging cache': {lagMs: 400},
  'coalesced events': {lagMs: 100, coalesce: true},
  'dropped events': {dropped: 0.3},
  'a half-open watch': {mute: true},
  '409': {conflict: 0.4},
  '429 with Retry-After': {tooManyRequests: 0.15},
  'a storm of 5xx': {serverError: 0.5},
  'answers lost': {resetAfter: 0.3},
  'all at once': {
    lagMs: 200,
    dropped: 0.1,
    conflict: 0.2,
    tooManyRequests: 0.05,
    serverError: 0.2,
    resetBefore: 0.1,
    resetAfter: 0.1,
  },
};

function skewed(offsetMs: number): Clock {
  return {...systemClock, now: () => systemClock.now() + offsetMs};
}

async function linesOf(see: Observer, namespace: string): Promise<string[]> {
  const resource = await see.resource();
  const children = await childrenByOwner(harness.admin, namespace);
  return normalised(resource, children.get(resource.metadata.uid ?? '') ?? [], {jobs: false});
}

const TARGET = {
  replicas: 2,
  tokens: {algorithm: 'ES256', accessTTL: '30m'},
  returnToOrigins: ['https://app.example.com'],
};

async function isDone(see: Observer): Promise<boolean> {
  const {metadata, status} = await see.resource();
  const ready = status?.conditions?.find((each) => each.type === 'Ready');
  return ready?.status === 'True' && status?.observedGeneration === metadata.generation;
}

/** What the test itself writes, also when there is no server just then. */
const insist = (work: () => Promise<unknown>): Promise<void> => eventually(async () => void (await work()));

/** A resource that is created and changed while things go wrong. Its lines, when all is well again. */
async function live(faults: HttpFaults, random: Random, offsetMs: number): Promise<string[]> {
  const {namespace, see} = await harness.prepare();
  const controllers = playControllers(see);
  const proxy = await startApiProxy(harness.server.kubeconfigPath, namespace, random);
  const client = await KubeClient.fromKubeconfig(proxy.kubeconfigPath);
  const operator = await harness.operate({namespaces: [namespace], client, clock: skewed(offsetMs)});
  const key = {namespace, name: 'auth'};
  try {
    proxy.faults = faults;
    await insist(() => harness.admin.apply(FRAISEQLAUTH, fraiseqlauth(namespace), {fieldManager: 'test'}));
    await delay(random.between(200, 900));
    await insist(() => harness.admin.mergePatch(FRAISEQLAUTH, key, {spec: TARGET}));
    await delay(random.between(100, 600));
    await insist(() => harness.admin.delete(RESOURCES.Service, key));
    if (random.chance(0.5)) proxy.cutWatches();
    await delay(random.between(100, 600));
    proxy.faults = {};
    // What was never shown is found when the watches are told that they are too old.
    if (faults.dropped !== undefined || faults.mute !== undefined) proxy.cutWatches({expired: true});
    await eventually(() => isDone(see));
    await eventually(async () => (await see.get(RESOURCES.Service, 'auth')) !== undefined);
    await eventually(
      async () => (await see.children()).filter((each) => each.startsWith('ConfigMap')).length === 1,
    );
    return await linesOf(see, namespace);
  } finally {
    for (const [name, count] of proxy.counts) tally.add(name, count);
    await operator.stop();
    await controllers.stop();
    await proxy.close();
  }
}

describe('a network that fails', () => {
  test(
    'under every fault it ends as without any',
    async () => {
      const random = new Random(SEED);
      const fresh = await live({}, random, 0);
      let [cases, equal] = [0, 0];
      for (let round = 0; round < ROUNDS; round++) {
        const ends = await Promise.all(
          Object.entries(MIXTURES).map(async ([name, faults]) => {
            const offsetMs = random.pick([0, -HOUR, HOUR]);
            if (offsetMs !== 0) tally.add('clockSkew');
            return {name, lines: await live(faults, random, offsetMs)};
          }),
        );
        for (const {name, lines} of ends) {
          cases++;
          expect({name, seed: SEED, lines}).toEqual({name, seed: SEED, lines: fresh});
          equal++;
        }
      }
      console.log(
        `faults (real API server): FAULT_SEED=${SEED}, ${equal} of ${cases} ended in the same state; injected:\n${tally.toString()}`,
      );
    },
    120_000 * Math.max(1, ROUNDS),
  );

  test('the API server is restarted under way', async () => {
    const random = new Random(SEED);
    const fresh = await live({}, random, 0);
    const under = live({lagMs: 100}, random, 0);
    await delay(400);
    await harness.server.restart();
    expect(await under).toEqual(fresh);
  });

  test('ten resources with a child that cannot be written say so, and do not hold up the others', async () => {
    const random = new Random(SEED);
    const [broken, fine] = [await harness.namespace(), await harness.namespace()];
    for (const each of [broken, fine]) await createSecrets(harness.admin, each);
    const sees = [broken, fine].map((each) => new Observer(harness.admin, each));
    const controllers = sees.map((see) => playControllers(see));
    const proxy: ApiProxy = await startApiProxy(harness.server.kubeconfigPath, broken, random);
    proxy.faults = {serverError: 1, only: `/namespaces/${broken}/configmaps`};
    const client = await KubeClient.fromKubeconfig(proxy.kubeconfigPath);
    const operator = await harness.operate({client});
    await Promise.all(
      Array.from({length: 10}, (_, index) =>
        harness.admin.create(FRAISEQLAUTH, fraiseqlauth(broken, {}, `broken-${index}`)),
      ),
    );
    await harness.admin.create(FRAISEQLAUTH, fraiseqlauth(fine));
    const see = sees[1] as Observer;
    await eventually(() => isDone(see));
    const took: number[] = [];
    for (let turn = 0; turn < 10; turn++) {
      const since = performance.now();
      await harness.admin.delete(RESOURCES.Service, {namespace: fine, name: 'auth'});
      await eventually(async () => (await see.get(RESOURCES.Service, 'auth')) !== undefined);
      took.push(performance.now() - since);
    }
    console.log(`beside ten that fail: a child is back after at most ${Math.round(Math.max(...took))} ms`);
    expect(Math.max(...took)).toBeLessThan(8000);
    await eventually(async () => {
      const {items} = await harness.admin.list<Stored>(FRAISEQLAUTH, {namespace: broken});
      const ready = items.map(({status}) => status?.conditions?.find((each) => each.type === 'Ready'));
      for (const each of ready) expect(each).toMatchObject({status: 'False', reason: 'APIServerError'});
      expect(ready).toHaveLength(10);
    });
    proxy.faults = {};
    await operator.stop();
    for (const each of controllers) await each.stop();
    await proxy.close();
  });

  test('forty resources in a namespace that is never answered do not hold up one in another', async () => {
    const random = new Random(SEED);
    const [silent, fine] = [await harness.namespace(), await harness.namespace()];
    for (const each of [silent, fine]) await createSecrets(harness.admin, each);
    const see = new Observer(harness.admin, fine);
    const controllers = playControllers(see);
    const proxy = await startApiProxy(harness.server.kubeconfigPath, silent, random);
    proxy.faults = {silent: true, only: `/namespaces/${silent}/`};
    const client = await KubeClient.fromKubeconfig(proxy.kubeconfigPath);
    const operator = await harness.operate({client});
    await operator.synced();
    await Promise.all(
      Array.from({length: 40}, (_, index) =>
        harness.admin.create(FRAISEQLAUTH, fraiseqlauth(silent, {}, `silent-${index}`)),
      ),
    );
    await eventually(() => (proxy.counts.get('silent') ?? 0) > 0);
    const since = performance.now();
    await harness.admin.create(FRAISEQLAUTH, fraiseqlauth(fine));
    await eventually(() => isDone(see));
    const took = performance.now() - since;
    console.log(`beside forty without an answer: ready after ${Math.round(took)} ms`);
    expect(took).toBeLessThan(20_000);
    await operator.stop();
    await controllers.stop();
    await proxy.close();
  });
});
