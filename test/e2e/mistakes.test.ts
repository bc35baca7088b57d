// What a person gets wrong. Each mistake leaves running what ran, says in the status which object is at fault and what to
// do, and is made good by mending it. Each in a namespace of its own, side by side.
import {describe, test} from 'vitest';
import {apply, KubectlError, remove, secret} from '../support/kubectl.ts';
import {login} from '../support/login.ts';
import {blockedOn, failureSuite} from './support/failure.ts';
import {databaseUrl, publicUrl, secrets, SHARED} from './support/fixtures.ts';
import {
  databaseOf,
  expectStillServing,
  fraiseqlauth,
  NAME,
  prepare,
  readyPods,
  runningInstance,
} from './support/instance.ts';
import {route} from './support/network.ts';
import {complains, conditionOf, isReady} from './support/watch.ts';

const {watch, claim, readyAgain} = failureSuite();

describe.concurrent('a failure is named, harms nothing that runs, and heals', () => {
  test('the database Secret is missing, at first and later', async ({expect, onTestFailed}) => {
    const namespace = claim(onTestFailed, 'e2e-secret-missing');
    await prepare(namespace);
    const url = databaseUrl(SHARED, databaseOf(namespace));
    await secret(namespace, 'idp-client', {
      'client-id': 'fraiseql-auth',
      'client-secret': 'fixture-client-secret',
    });
    await apply([fraiseqlauth(namespace)]);
    const missing = await watch.until(
      namespace,
      NAME,
      'naming the Secret',
      complains('SecretsResolved', 'auth-db', 'SecretNotFound'),
    );
    expect(blockedOn(missing, 'Secret', 'auth-db').message).toContain('auth-db');
    expect(conditionOf(missing, 'Ready')?.message).toContain('auth-db');
    await secret(namespace, 'auth-db', {'database-url': url});
    await readyAgain(namespace);

    const before = await readyPods(namespace);
    await remove('secret', 'auth-db', namespace);
    await watch.until(namespace, NAME, 'naming the Secret again', complains('SecretsResolved', 'auth-db'));
    await expectStillServing(namespace, before);
    await secret(namespace, 'auth-db', {'database-url': url});
    await readyAgain(namespace);
    expect(await readyPods(namespace), 'the same data rolls nothing').toEqual(before);
  });

  test('a key of a Secret is missing', async ({expect, onTestFailed}) => {
    const namespace = claim(onTestFailed, 'e2e-key-missing');
    await runningInstance(watch, namespace);
    const before = await readyPods(namespace);
    await remove('secret', 'auth-db', namespace);
    await secret(namespace, 'auth-db', {url: databaseUrl(SHARED, databaseOf(namespace))});
    const missing = await watch.until(
      namespace,
      NAME,
      'naming the key',
      complains('SecretsResolved', 'SecretKeyNotFound', 'auth-db', 'database-url'),
    );
    blockedOn(missing, 'Secret', 'auth-db');
    await expectStillServing(namespace, before);
    await secret(namespace, 'auth-db', {'database-url': databaseUrl(SHARED, databaseOf(namespace))});
    await readyAgain(namespace);
    expect(await readyPods(namespace)).toEqual(before);
  });

  test('the image cannot be pulled', async ({expect, onTestFailed}) => {
    const namespace = claim(onTestFailed, 'e2e-image');
    await runningInstance(watch, namespace);
    const before = await readyPods(namespace);
    const image = 'localhost:1/nowhere/fraiseql-auth:9';
    await apply([fraiseqlauth(namespace, {spec: {image}})]);
    const stuck = await watch.until(
      namespace,
      NAME,
      'quoting the pull',
      complains('Ready', 'ImagePullFailed', image),
      240_000,
    );
    expect(conditionOf(stuck, 'Available')?.status, 'the old pods serve').toBe('True');
    expect(conditionOf(stuck, 'Progressing')?.status).toBe('False');
    expect(stuck.status?.blockedOn?.[0]?.hint).toMatch(/image/i);
    await expectStillServing(namespace, before);
    await apply([fraiseqlauth(namespace)]);
    await readyAgain(namespace);
    expect(await readyPods(namespace)).toEqual(before);
  });

  test('the spec is invalid', async ({expect, onTestFailed}) => {
    const namespace = claim(onTestFailed, 'e2e-spec');
    await runningInstance(watch, namespace);
    const before = await readyPods(namespace);
    const wrong = fraiseqlauth(namespace, {
      spec: {replicas: 2, autoscaling: {minReplicas: 1, maxReplicas: 2}},
    });
    const refusal = await apply([wrong]).then(
      () => 'accepted',
      (error: unknown) => (error instanceof KubectlError ? error.stderr : String(error)),
    );
    expect(refusal).toContain(
      'spec.replicas cannot be set together with spec.autoscaling: remove one of them',
    );
    await expectStillServing(namespace, before);
    // The next right one is taken as if nothing had been.
    await apply([fraiseqlauth(namespace, {spec: {replicas: 2}})]);
    await watch.until(
      namespace,
      NAME,
      'at two replicas',
      (resource) => isReady(resource) && resource.status?.readyReplicas === 2,
    );
    await expectStillServing(namespace, before);
  });

  test('an object of the name of a child belongs to somebody else', async ({expect, onTestFailed}) => {
    const namespace = claim(onTestFailed, 'e2e-foreign');
    await prepare(namespace);
    await secrets(namespace, databaseUrl(SHARED, databaseOf(namespace)));
    const foreign = {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: {name: NAME, namespace, labels: {whose: 'another-team'}},
      spec: {selector: {app: 'another'}, ports: [{port: 80}]},
    };
    await apply([foreign]);
    await apply([fraiseqlauth(namespace)]);
    const blocked = await watch.until(
      namespace,
      NAME,
      'naming the Service',
      complains('Progressing', 'ObjectNotOurs', 'Service', NAME),
    );
    blockedOn(blocked, 'Service', NAME);
    await remove('service', NAME, namespace);
    await readyAgain(namespace, 150_000);
    const tokens = await login({baseUrl: publicUrl(namespace), user: 'ada', route: route()});
    expect(tokens.token_type).toBe('Bearer');
  });
});
