// Changes under load that must not be: each is refused or taken back, says why, and nobody sees an error.
import {expect, onTestFailed, test} from 'vitest';
import {listObjects, secret} from '../support/kubectl.ts';
import {dumpOnFailure} from './support/diagnostics.ts';
import {NAME, readyPods} from './support/instance.ts';
import {instanceUnderLoad} from './support/under-load.ts';
import {complains, conditionOf, isReady, type FraiseQLAuth} from './support/watch.ts';

const namespace = 'e2e-refused';
const {watch, patch, fromNowOn, unharmed} = instanceUnderLoad(namespace);

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

test('an image that does not exist never reaches a pod, and is told with its reason and when it is tried again', async () => {
  onTestFailed(dumpOnFailure('bad-image', namespace));
  const before = await readyPods(namespace);
  const good = watch.latest(namespace, NAME)?.spec['image'];
  fromNowOn();
  await patch({image: 'localhost:1/nowhere/fraiseql-auth:9'});
  await watch.until(
    namespace,
    NAME,
    'quoting the pull',
    complains('Progressing', 'ImagePullFailed'),
    180_000,
  );
  const refused = await watch.until(namespace, NAME, 'refused', refusedWith('ImagePullFailed'), 240_000);
  expect(conditionOf(refused, 'Progressing')).toMatchObject({status: 'False', reason: 'ImagePullFailed'});
  expect(refused.status?.blockedOn?.[0]?.hint).toMatch(/It is tried again at \S+Z, and at once when/);
  expect(conditionOf(refused, 'Available')?.status).toBe('True');
  expect(await readyPods(namespace)).toEqual(before);
  expect(await events('ImagePullFailed')).toBeGreaterThan(0);
  const jobs = await listObjects('jobs', namespace, 'app.kubernetes.io/component=check');
  await patch({image: good ?? null});
  await watch.until(namespace, NAME, 'Ready again', isReady, 180_000);
  expect(jobs.length, 'one Job, and no second beside it').toBe(1);
  expect(await readyPods(namespace), 'what ran came back without another pod').toEqual(before);
  unharmed('an image that does not exist');
});

test('a configuration and a Secret that are wrong never reach a pod', async () => {
  onTestFailed(dumpOnFailure('bad-configuration', namespace));
  const before = await readyPods(namespace);
  fromNowOn();
  await patch({pod: {extraEnv: [{name: 'LOGIN_BINDING', value: 'Sometimes'}]}});
  const refused = await watch.until(namespace, NAME, 'refused', refusedWith('ConfigurationInvalid'), 180_000);
  expect(refused.status?.blockedOn?.[0]?.message).toContain('LOGIN_BINDING');
  expect(await readyPods(namespace)).toEqual(before);
  await patch({pod: null});
  await watch.until(namespace, NAME, 'Ready again', isReady, 180_000);

  const client = {'client-id': 'fraiseql-auth', 'client-secret': 'fixture-client-secret'};
  await secret(namespace, 'idp-client', {...client, 'client-id': 'nobody-knows-it'});
  const unknown = await watch.until(namespace, NAME, 'refused', refusedWith('ProviderInvalid'), 60_000);
  expect(unknown.status?.blockedOn?.[0]?.message).toContain('idp');
  expect(await readyPods(namespace)).toEqual(before);
  await secret(namespace, 'idp-client', client);
  await watch.until(namespace, NAME, 'Ready again', isReady, 180_000);
  expect(await readyPods(namespace)).toEqual(before);
  unharmed('a wrong configuration and a wrong Secret');
});

test('pods that do not become ready are taken back', async () => {
  onTestFailed(dumpOnFailure('rollback', namespace));
  const before = await readyPods(namespace);
  fromNowOn();
  // Nothing is tried out, so the pods themselves find out.
  await patch({
    rollout: {check: 'Never'},
    pod: {extraEnv: [{name: 'LOGIN_BINDING', value: 'Sometimes'}]},
  });
  const back = await watch.until(
    namespace,
    NAME,
    'rolled back',
    complains('Progressing', 'RolledBack', 'LOGIN_BINDING'),
    240_000,
  );
  expect(refusedWith('ContainerCrashing')(back)).toBe(true);
  expect(conditionOf(back, 'Available')?.status).toBe('True');
  expect(await events('RolledBack')).toBe(1);
  expect(await readyPods(namespace)).toEqual(before);
  await patch({rollout: {check: 'Always'}, pod: null});
  await watch.until(namespace, NAME, 'Ready again', isReady, 180_000);
  expect(await readyPods(namespace)).toEqual(before);
  unharmed('a roll-out that is taken back');
});
