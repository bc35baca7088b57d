// Changes under load: a restart, other Secrets, another configuration, another image. Whatever is changed, people who log
// in, refresh and are verified all the while see no error.
import {execFile} from 'node:child_process';
import {promisify} from 'node:util';
import {expect, onTestFailed, test} from 'vitest';
import {secret} from '../support/kubectl.ts';
import {dumpOnFailure} from './support/diagnostics.ts';
import {databaseUrl, SHARED} from './support/fixtures.ts';
import {databaseOf, NAME, readyPods} from './support/instance.ts';
import {IMAGE} from './support/operator.ts';
import {instanceUnderLoad, REPLICAS} from './support/under-load.ts';
import {isReady} from './support/watch.ts';

const namespace = 'e2e-rollout';
const {watch, patch, fromNowOn, unharmed, gone} = instanceUnderLoad(namespace);

/** Every pod is another one than before, and people went on all the while. */
async function rolledOver(
  what: string,
  before: readonly string[],
  change: () => Promise<void>,
): Promise<readonly string[]> {
  fromNowOn();
  await change();
  await watch.until(
    namespace,
    NAME,
    `not Ready, for ${what} is on its way`,
    (resource) => !isReady(resource),
  );
  await watch.until(namespace, NAME, `Ready after ${what}`, isReady, 240_000);
  await gone(before);
  unharmed(what);
  return readyPods(namespace);
}

test('a restart, by spec.restartToken', async () => {
  onTestFailed(dumpOnFailure('restart', namespace));
  const before = await readyPods(namespace);
  expect(await rolledOver('a restart', before, () => patch({restartToken: 'once'}))).toHaveLength(REPLICAS);
});

test('another client secret, of which the provider accepts the old and the new one, and another database URL', async () => {
  onTestFailed(dumpOnFailure('secret', namespace));
  const before = await readyPods(namespace);
  const url = `${databaseUrl(SHARED, databaseOf(namespace))}?connect_timeout=7`;
  const client = {'client-id': 'fraiseql-auth', 'client-secret': 'fixture-client-secret-2'};
  const change = async (): Promise<void> => {
    await Promise.all([
      secret(namespace, 'auth-db', {'database-url': url}),
      secret(namespace, 'idp-client', client),
    ]);
  };
  expect(await rolledOver('other Secrets', before, change)).toHaveLength(REPLICAS);
});

test('another configuration, and another image', async () => {
  onTestFailed(dumpOnFailure('configuration', namespace));
  const configured = await rolledOver('another configuration', await readyPods(namespace), () =>
    patch({tokens: {accessTTL: '30m'}, logging: {level: 'warn'}}),
  );
  expect(configured).toHaveLength(REPLICAS);
  const image = await anotherName(IMAGE);
  expect(await rolledOver('another image', configured, () => patch({image}))).toHaveLength(REPLICAS);
});

/** A second name for an image that the cluster of the tests has. */
async function anotherName(image: string): Promise<string> {
  const socket = process.env['FRAISEQL_CONTAINERD'];
  if (socket === undefined)
    throw new Error(
      'FRAISEQL_CONTAINERD names no containerd in which an image could be given another name: run this in test/cluster/run',
    );
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
