import {expect, test} from 'vitest';
import {FRAISEQLAUTH} from '../../../../src/api/v1alpha1/group-version.ts';
import {ApiError} from '../../../../src/kube/client.ts';
import {RESOURCES, type ResourceType} from '../../../../src/kube/objects.ts';
import {DEVELOPMENT} from '../../../support/simulation/scenarios.ts';
import {Simulation} from '../../../support/simulation/simulation.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/** A cluster with a leader, in which nothing has happened yet. */
async function begin(seed: number) {
  const simulation = new Simulation(seed);
  const operator = simulation.start();
  await simulation.time.run(MINUTE, () => operator.leading);
  const there = (type: ResourceType): boolean =>
    simulation.api.get(type, {namespace: 'prod', name: 'auth'}) !== undefined;
  const ready = () => simulation.resource?.status?.conditions?.find(({type}) => type === 'Ready');
  const metrics = (): Promise<string> => operator.metrics.registry.metrics();
  return {simulation, operator, client: operator.client, there, ready, metrics};
}

/** When all that a pass had to do last went well. */
const synced = (text: string): number =>
  Number(/resource_last_sync_timestamp_seconds\{[^}]*\} (\S+)/.exec(text)?.[1]);

const hook =
  'failed calling webhook "mesh.example.com": Post "https://mesh.istio.svc:443/": dial tcp 10.0.0.1:4711->10.1.2.3:443: connection refused';

test('a webhook that does not answer is told in the status, once, and all that does not need it is done', async () => {
  const {simulation, client, there, ready, metrics} = await begin(1);
  const failing = (call: string): ApiError | undefined =>
    call.includes(' services ')
      ? new ApiError(500, 'InternalError', `${call}: 500 InternalError: ${hook}`)
      : undefined;
  client.line.instead = failing;
  simulation.spec(DEVELOPMENT);
  await simulation.time.run(30_000);
  expect(ready()).toMatchObject({status: 'False', reason: 'APIServerError'});
  expect(ready()?.message).toContain('Service auth');
  expect(ready()?.message).toContain('mesh.example.com');
  expect(simulation.resource?.status?.blockedOn).toMatchObject([
    {reason: 'APIServerError', objectRef: {kind: 'Service', name: 'auth'}},
  ]);
  expect(there(RESOURCES.Deployment)).toBe(true);
  const before = synced(await metrics());
  await simulation.time.run(10 * MINUTE);
  const events = simulation.api.list('events').filter((each) => each['reason'] === 'APIServerError');
  expect(events).toHaveLength(1);
  const text = await metrics();
  expect(text).toMatch(/reconcile_total\{result="error"\} [1-9]/);
  expect(synced(text)).toBe(before);
  client.line.instead = () => undefined;
  expect(await simulation.settle(2 * MINUTE)).toBe(true);
  expect(synced(await metrics())).toBeGreaterThan(before + 600);
  simulation.stopAll();
});

test('where nothing can be read, or the operator fails by itself, the status says so', async () => {
  const {simulation, client, ready} = await begin(2);
  simulation.spec(DEVELOPMENT);
  expect(await simulation.settle()).toBe(true);
  client.line.instead = (call) =>
    call.startsWith('get secrets') ? new ApiError(500, 'InternalError', `${call}: 500: etcd`) : undefined;
  simulation.secret('auth-db', {'database-url': 'postgres://app:secret@other/auth'});
  await simulation.time.run(30_000);
  expect(ready()).toMatchObject({status: 'Unknown', reason: 'APIServerError'});
  // The rest is as it was last known.
  expect(simulation.resource?.status?.conditions?.length).toBeGreaterThan(5);
  client.line.instead = () => undefined;
  expect(await simulation.settle(2 * MINUTE)).toBe(true);

  client.beforeWrite = () => {
    throw new TypeError('a value that nobody may see');
  };
  simulation.delete(RESOURCES.Service, 'auth');
  await simulation.time.run(2000);
  let writes = 0;
  // The status is written; whatever is done for the Service fails.
  client.beforeWrite = () => undefined;
  client.line.instead = (call) => {
    if (!call.includes(' services ')) return undefined;
    writes++;
    throw new TypeError('a value that nobody may see');
  };
  await simulation.time.run(30_000);
  expect(writes).toBeGreaterThan(0);
  expect(ready()).toMatchObject({status: 'Unknown', reason: 'OperatorError'});
  expect(JSON.stringify(simulation.resource)).not.toContain('nobody may see');
  client.line.instead = () => undefined;
  expect(await simulation.settle(2 * MINUTE)).toBe(true);
  simulation.stopAll();
});

test.each([0, 86_400_000, 1e12])(
  'whoever is asked to stay away for %i ms does so within reason',
  async (retryAfterMs) => {
    const {simulation, client, there} = await begin(3);
    let calls = 0;
    client.line.instead = (call) => {
      if (!call.includes(' services ')) return undefined;
      calls++;
      return new ApiError(429, 'TooManyRequests', `${call}: 429`, {retryAfterMs});
    };
    simulation.spec(DEVELOPMENT);
    await simulation.time.run(MINUTE);
    expect(calls).toBeGreaterThan(0);
    expect(calls).toBeLessThan(30);
    client.line.instead = () => undefined;
    await simulation.time.run(2 * MINUTE);
    expect(there(RESOURCES.Service)).toBe(true);
    simulation.stopAll();
  },
);

test('what the API server refuses is no success', async () => {
  const {simulation, client, ready, metrics} = await begin(4);
  client.line.instead = (call) =>
    call.includes(' services ') ? new ApiError(422, 'Invalid', `${call}: 422 Invalid: port`) : undefined;
  simulation.spec(DEVELOPMENT);
  await simulation.time.run(MINUTE);
  expect(ready()?.reason).toBe('ObjectRefused');
  const before = synced(await metrics());
  await simulation.time.run(MINUTE);
  const text = await metrics();
  expect(text).toMatch(/reconcile_total\{result="requeue"\} [1-9]/);
  expect(synced(text)).toBe(before);
  simulation.stopAll();
});

test('a namespace that was deleted and made anew is not taken for the old one', async () => {
  const {simulation, client, there} = await begin(5);
  client.line.instead = (call) =>
    /^(create|apply)/.test(call) && !call.includes('leases')
      ? new ApiError(403, 'Forbidden', `${call}: 403 Forbidden: because it is being terminated`)
      : undefined;
  simulation.spec(DEVELOPMENT);
  await simulation.time.run(5000);
  simulation.delete(FRAISEQLAUTH, 'auth');
  simulation.spec(DEVELOPMENT);
  client.line.instead = () => undefined;
  await simulation.time.run(5000);
  expect(there(RESOURCES.ServiceAccount)).toBe(true);
  simulation.stopAll();
});

test('a child of ours that is gone before any watch has shown it is made again', async () => {
  const {simulation, client, there} = await begin(6);
  simulation.spec(DEVELOPMENT);
  expect(await simulation.settle()).toBe(true);
  client.afterWrite = () => {
    if (!there(RESOURCES.Service)) return;
    client.afterWrite = () => undefined;
    client.cut();
    simulation.delete(RESOURCES.Service, 'auth');
    simulation.api.compacted = simulation.api.version;
  };
  simulation.delete(RESOURCES.Service, 'auth');
  await simulation.time.run(10_000);
  expect(there(RESOURCES.Service)).toBe(false);
  await simulation.time.run(MINUTE);
  expect(there(RESOURCES.Service)).toBe(true);
  simulation.stopAll();
});

/** What the operator knows of Deployments is what it asks for one by one: they are neither listed nor watched. */
const unwatched = (call: string): ApiError | undefined =>
  /^(list|watch) deployments/.test(call)
    ? new ApiError(503, 'ServiceUnavailable', `${call}: 503: try again`)
    : undefined;

test('what a lost answer had done is followed up, and counts, though no watch shows it', async () => {
  const {simulation, client} = await begin(15);
  simulation.spec(DEVELOPMENT);
  expect(await simulation.settle()).toBe(true);
  const annotations = () =>
    simulation.api.get(RESOURCES.Deployment, {namespace: 'prod', name: 'auth'})?.metadata.annotations ?? {};
  const template = (): string | undefined => annotations()['auth.fraiseql.dev/template'];
  const proven = (): string =>
    (JSON.parse(annotations()['auth.fraiseql.dev/proven-template'] ?? '{}') as {hash: string}).hash;
  const before = template();
  let lost = false;
  client.afterWrite = () => {
    if (lost || template() === before) return;
    lost = true;
    client.cut();
    client.line.instead = (call) =>
      unwatched(call) ??
      (call.includes(' deployments ') ? new ApiError(0, 'ConnectionReset', `${call}: reset`) : undefined);
    throw new ApiError(0, 'ConnectionReset', 'the answer is lost');
  };
  simulation.spec({...DEVELOPMENT, tokens: {algorithm: 'ES256', accessTTL: '30m'}});
  expect(await simulation.time.run(MINUTE, () => lost)).toBe(true);
  // Meanwhile it rolls out, of which the events of pods tell.
  await simulation.time.run(2 * MINUTE);
  expect(proven()).toBe(before);
  client.line.instead = unwatched;
  await simulation.time.run(MINUTE);
  expect(template()).not.toBe(before);
  expect(proven()).toBe(template());
  const writes = simulation.writes.length;
  await simulation.time.run(20 * MINUTE);
  expect(simulation.writes.slice(writes)).toEqual([]);
  client.line.instead = () => undefined;
  expect(await simulation.settle(2 * MINUTE)).toBe(true);
  expect(simulation.writes.slice(writes)).toEqual([]);
  simulation.stopAll();
});

test('a watch that does not show what was written is found out by that, and what it missed is seen', async () => {
  const {simulation, client} = await begin(16);
  simulation.spec(DEVELOPMENT);
  expect(await simulation.settle()).toBe(true);
  client.cut();
  client.line.instead = (call) => (call.startsWith('watch deployments') ? 'silence' : undefined);
  await simulation.time.run(MINUTE);
  const replicas = (): unknown => {
    const deployment = simulation.api.get(RESOURCES.Deployment, {namespace: 'prod', name: 'auth'});
    return (deployment?.['spec'] as {replicas: number} | undefined)?.replicas;
  };
  simulation.spec({...DEVELOPMENT, replicas: 3});
  await simulation.time.run(MINUTE, () => replicas() === 3);
  simulation.edit(RESOURCES.Deployment, 'auth', {spec: {replicas: 7}});
  expect(await simulation.time.run(25_000, () => replicas() === 3)).toBe(false);
  expect(await simulation.time.run(20_000, () => replicas() === 3)).toBe(true);
  simulation.stopAll();
});

test.each([7, 8, 9, 10, 11, 12, 13, 14])(
  'events that cannot be written do not hold up who takes over (%i)',
  async (seed) => {
    const {simulation, operator, client} = await begin(seed);
    const next = simulation.start();
    client.line.instead = (call) => (call.includes(' events ') ? 'silence' : undefined);
    simulation.spec(DEVELOPMENT);
    await simulation.time.run(10_000);
    operator.end();
    expect(await simulation.time.run(2000, () => next.leading)).toBe(true);
    await simulation.time.run(HOUR / 60);
    expect(simulation.isReady()).toBe(true);
    simulation.stopAll();
  },
);
