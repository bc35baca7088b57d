// Changes under load: a restart, another Secret, another configuration, another image, and such as fail. Whatever is
// changed, people who log in, refresh and are verified all the while see no error.
import {execFile} from 'node:child_process';
import {promisify} from 'node:util';
import {afterAll, beforeAll, expect, onTestFailed, test} from 'vitest';
import {kubectl, listObjects, secret} from '../support/kubectl.ts';
import {dumpOnFailure} from './support/diagnostics.ts';
import {databaseUrl, ensureShared, SHARED} from './support/fixtures.ts';
import {databaseOf, NAME, readyPods, runningInstance} from './support/instance.ts';
import {SteadyLoad} from './support/load.ts';
import {closeNetwork} from './support/network.ts';
import {ensureOperator, IMAGE, removeNamespaces} from './support/operator.ts';
import {complains, conditionOf, isReady, ResourceWatch, type FraiseQLAuth} from './support/watch.ts';

const namespace = 'e2e-rollout';
const REPLICAS = 2;
const LIMIT_MS = 180_000;
const watch = new ResourceWatch();
let load: SteadyLoad | undefined;

beforeAll(async () => {
  await Promise.all([ensureOperator(), ensureShared()]);
  watch.start();
  await runningInstance(watch, namespace, {
    spec: {
      replicas: REPLICAS,
      rollout: {progressDeadline: '30s'},
      // One client, who makes more requests than a person.
      rateLimits: {policy: 'None'},
    },
  });
  load = new SteadyLoad(namespace, 4);
}, 240_000);

afterAll(async () => {
  await load?.stop();
  watch.close();
  closeNetwork();
  await removeNamespaces(namespace);
});

async function patch(spec: Readonly<Record<string, unknown>>): Promise<void> {
  await kubectl(['patch', 'fqa', NAME, '--type=merge', '-p', JSON.stringify({spec})], {namespace});
}

/** Every pod is another one than before, and people went on all the while. */
async function rolledOver(
  what: string,
  before: readonly string[],
  change: () => Promise<void>,
): Promise<readonly string[]> {
  load?.take();
  await change();
  await watch.until(
    namespace,
    NAME,
    `not Ready, for ${what} is on its way`,
    (resource) => !isReady(resource),
  );
  await watch.until(namespace, NAME, `Ready after ${what}`, isReady, 120_000);
  await gone(before);
  unharmed(what);
  return readyPods(namespace);
}

/** Waits until none of these pods is left, terminating ones counted. */
async function gone(names: readonly string[]): Promise<void> {
  await expect
    .poll(
      async () =>
        (await listObjects('pods', namespace)).filter(({metadata}) => names.includes(metadata.name)).length,
      {timeout: 60_000, interval: 500},
    )
    .toBe(0);
}

function unharmed(what: string): void {
  const tally = load?.take();
  console.log(
    `${what}: ${tally?.logins} logins, ${tally?.refreshes} refreshes, ${tally?.verifies} verifies, ${tally?.errors.length} errors`,
  );
  expect(tally?.errors).toEqual([]);
  expect(tally?.logins).toBeGreaterThan(2);
  expect(tally?.refreshes).toBeGreaterThan(10);
  expect(tally?.verifies).toBeGreaterThan(50);
}

const refusedWith =
  (reason: string) =>
  (resource: FraiseQLAuth): boolean =>
    resource.status?.blockedOn?.some(
      (each) =>
        each.reason === reason &&
        /^The (change is not rolled out|roll-out failed and was undone)/.test(each.message),
    ) === true;

async function events(reason: string): Promise<number> {
  const all = await listObjects<{reason: string; count?: number}>('events', namespace);
  return all.filter((each) => each.reason === reason).length;
}

test(
  'a restart, by spec.restartToken',
  async () => {
    onTestFailed(dumpOnFailure('restart', namespace));
    const before = await readyPods(namespace);
    expect(await rolledOver('a restart', before, () => patch({restartToken: 'once'}))).toHaveLength(REPLICAS);
  },
  LIMIT_MS,
);

test(
  'another database URL in the Secret',
  async () => {
    onTestFailed(dumpOnFailure('secret', namespace));
    const before = await readyPods(namespace);
    const url = `${databaseUrl(SHARED, databaseOf(namespace))}?connect_timeout=7`;
    expect(
      await rolledOver('another Secret', before, () => secret(namespace, 'auth-db', {'database-url': url})),
    ).toHaveLength(REPLICAS);
  },
  LIMIT_MS,
);

test(
  'another configuration, and another image',
  async () => {
    onTestFailed(dumpOnFailure('configuration', namespace));
    const configured = await rolledOver('another configuration', await readyPods(namespace), () =>
      patch({tokens: {accessTTL: '30m'}, logging: {level: 'warn'}}),
    );
    expect(configured).toHaveLength(REPLICAS);
    const image = await anotherName(IMAGE);
    if (image === undefined) return;
    expect(await rolledOver('another image', configured, () => patch({image}))).toHaveLength(REPLICAS);
  },
  2 * LIMIT_MS,
);

test(
  'an image that does not exist never reaches a pod, is told with its reason, and is not tried again',
  async () => {
    onTestFailed(dumpOnFailure('bad-image', namespace));
    const before = await readyPods(namespace);
    const good = watch.latest(namespace, NAME)?.spec['image'];
    load?.take();
    await patch({image: 'localhost:1/nowhere/fraiseql-auth:9'});
    await watch.until(
      namespace,
      NAME,
      'quoting the pull',
      complains('Progressing', 'ImagePullFailed'),
      60_000,
    );
    const refused = await watch.until(namespace, NAME, 'refused', refusedWith('ImagePullFailed'), 90_000);
    expect(conditionOf(refused, 'Progressing')).toMatchObject({status: 'False', reason: 'ImagePullFailed'});
    expect(conditionOf(refused, 'Available')?.status).toBe('True');
    expect(await readyPods(namespace)).toEqual(before);
    expect(await events('ImagePullFailed')).toBeGreaterThan(0);
    const jobs = await listObjects('jobs', namespace, 'app.kubernetes.io/component=check');
    await patch({image: good ?? null});
    await watch.until(namespace, NAME, 'Ready again', isReady, 60_000);
    expect(jobs.length, 'one Job, and no second try').toBe(1);
    expect(await readyPods(namespace), 'what ran came back without another pod').toEqual(before);
    unharmed('an image that does not exist');
  },
  LIMIT_MS,
);

test(
  'a configuration and a Secret that are wrong never reach a pod',
  async () => {
    onTestFailed(dumpOnFailure('bad-configuration', namespace));
    const before = await readyPods(namespace);
    load?.take();
    await patch({pod: {extraEnv: [{name: 'INTROSPECTION_CLIENT_ID', value: 'x'}]}});
    const refused = await watch.until(
      namespace,
      NAME,
      'refused',
      refusedWith('ConfigurationInvalid'),
      60_000,
    );
    expect(refused.status?.blockedOn?.[0]?.message).toContain('INTROSPECTION_CLIENT_SECRET');
    expect(await readyPods(namespace)).toEqual(before);
    await patch({pod: null});
    await watch.until(namespace, NAME, 'Ready again', isReady, 60_000);

    const client = {'client-id': 'fraiseql-auth', 'client-secret': 'fixture-client-secret'};
    await secret(namespace, 'idp-client', {...client, 'client-id': 'nobody-knows-it'});
    const unknown = await watch.until(namespace, NAME, 'refused', refusedWith('ProviderInvalid'), 60_000);
    expect(unknown.status?.blockedOn?.[0]?.message).toContain('idp');
    expect(await readyPods(namespace)).toEqual(before);
    await secret(namespace, 'idp-client', client);
    await watch.until(namespace, NAME, 'Ready again', isReady, 60_000);
    expect(await readyPods(namespace)).toEqual(before);
    unharmed('a wrong configuration and a wrong Secret');
  },
  LIMIT_MS,
);

test(
  'pods that do not become ready are taken back',
  async () => {
    onTestFailed(dumpOnFailure('rollback', namespace));
    const before = await readyPods(namespace);
    load?.take();
    // Nothing is tried out, so the pods themselves find out.
    await patch({
      rollout: {check: 'Never'},
      pod: {extraEnv: [{name: 'INTROSPECTION_CLIENT_ID', value: 'x'}]},
    });
    const back = await watch.until(
      namespace,
      NAME,
      'rolled back',
      complains('Progressing', 'RolledBack', 'INTROSPECTION_CLIENT_SECRET'),
      120_000,
    );
    expect(refusedWith('ContainerCrashing')(back)).toBe(true);
    expect(conditionOf(back, 'Available')?.status).toBe('True');
    expect(await events('RolledBack')).toBe(1);
    expect(await readyPods(namespace)).toEqual(before);
    await patch({rollout: {check: 'Always'}, pod: null});
    await watch.until(namespace, NAME, 'Ready again', isReady, 60_000);
    expect(await readyPods(namespace)).toEqual(before);
    unharmed('a roll-out that is taken back');
  },
  LIMIT_MS,
);

/** A second name for an image that the cluster of the tests has; undefined on a cluster of somebody else's. */
async function anotherName(image: string): Promise<string | undefined> {
  const socket = process.env['FRAISEQL_CONTAINERD'];
  if (socket === undefined) return undefined;
  const other = `${image}-again`;
  await promisify(execFile)('ctr', [
    '--address',
    socket,
    '-n',
    'k8s.io',
    'images',
    'tag',
    '--force',
    image,
    other,
  ]);
  return other;
}
