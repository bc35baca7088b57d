import {afterAll, beforeAll, describe, expect, test} from 'vitest';
import {FRAISEQLAUTH} from '../../../src/api/v1alpha1/group-version.ts';
import {RESOURCES, type KubeObject} from '../../../src/kube/objects.ts';
import type {Deployment} from '../../../src/operator/workloads.ts';
import {createSecret, eventually, fraiseqlauth, Observer, startHarness, type Harness} from './harness.ts';

let harness: Harness;
beforeAll(async () => {
  harness = await startHarness();
});
afterAll(() => harness.stop());

async function ready(): Promise<{namespace: string; see: Observer}> {
  const {namespace, see} = await harness.prepare({operated: true});
  await harness.admin.create(FRAISEQLAUTH, fraiseqlauth(namespace));
  await see.becomeReady();
  return {namespace, see};
}

const reason = (see: Observer, wanted: string) =>
  eventually(async () => {
    const condition = await see.condition('Ready');
    if (condition.reason !== wanted) throw new Error(`Ready is ${condition.reason}: ${condition.message}`);
    return condition;
  });

const dbUrl = (value: string) => ({stringData: {'database-url': value}});

describe.concurrent('what goes wrong is said, what runs goes on, and it heals by itself', () => {
  test('a Secret that is missing, then its key, then its value', async () => {
    const namespace = await harness.namespace();
    await harness.operate({namespaces: [namespace]});
    const see = new Observer(harness.admin, namespace);
    await createSecret(harness.admin, namespace, 'keycloak-client', {'client-id': 'a', 'client-secret': 'b'});
    await harness.admin.create(FRAISEQLAUTH, fraiseqlauth(namespace));
    const missing = await reason(see, 'SecretNotFound');
    expect(missing.message).toContain('Secret auth-db does not exist');
    expect(missing.message).toContain(`kubectl create secret generic auth-db -n ${namespace}`);
    expect(await see.children()).toEqual([]);

    await createSecret(harness.admin, namespace, 'auth-db', {url: 'postgres://a:b@c/d'});
    const key = await reason(see, 'SecretKeyNotFound');
    expect(key.message).toContain('Secret auth-db has no key "database-url"; it has: url');
    expect(key.message).not.toContain('postgres://a:b');
    const {status} = await see.resource();
    expect(status?.blockedOn).toMatchObject([
      {reason: 'SecretKeyNotFound', objectRef: {kind: 'Secret', name: 'auth-db', key: 'database-url'}},
    ]);

    await harness.admin.mergePatch(RESOURCES.Secret, {namespace, name: 'auth-db'}, dbUrl(''));
    await reason(see, 'SecretValueInvalid');
    await harness.admin.mergePatch(
      RESOURCES.Secret,
      {namespace, name: 'auth-db'},
      dbUrl('postgres://a:b@c/d'),
    );
    await see.becomeReady();
  });

  test('a Secret that goes while the service runs takes nothing down', async () => {
    const {namespace, see} = await ready();
    const before = await see.get<Deployment>(RESOURCES.Deployment, 'auth');
    await harness.admin.delete(RESOURCES.Secret, {namespace, name: 'auth-db'});
    const {message} = await reason(see, 'SecretNotFound');
    expect(message).toContain('What runs keeps serving (1 of 1 pods ready)');
    expect((await see.condition('Available')).status).toBe('True');
    expect((await see.get<Deployment>(RESOURCES.Deployment, 'auth'))?.metadata.generation).toBe(
      before?.metadata.generation,
    );
    // What runs is kept up all the same.
    await harness.admin.delete(RESOURCES.Service, {namespace, name: 'auth'});
    await eventually(async () => (await see.get(RESOURCES.Service, 'auth')) !== undefined && true);
    await createSecret(harness.admin, namespace, 'auth-db', {
      'database-url': 'postgres://app:secret@db:5432/auth',
    });
    await reason(see, 'Ready');
    expect((await see.get<Deployment>(RESOURCES.Deployment, 'auth'))?.metadata.generation).toBe(
      before?.metadata.generation,
    );
  });

  test('a migration that fails: its reason, what runs stays, another try at once when the Secret changes', async () => {
    const {namespace, see} = await ready();
    const before = await see.get<Deployment>(RESOURCES.Deployment, 'auth');
    const first = await see.migrationJob();
    await harness.admin.mergePatch(
      RESOURCES.Secret,
      {namespace, name: 'auth-db'},
      dbUrl('postgres://app:wrong@db/auth'),
    );
    await see.passCheck();
    const migrations = async () =>
      (await see.list(RESOURCES.Job)).filter((each) => each.metadata.name.includes('-migrate-'));
    const second = await eventually(
      async () => (await migrations()).find((each) => each.metadata.name !== first.metadata.name) ?? false,
    );
    const outcome = {
      ok: false,
      kind: 'migrate',
      reason: 'DatabaseAuthenticationFailed',
      message: 'the database refuses the password of user "app"',
      hint: 'correct the password',
    };
    await see.failJob(second, JSON.stringify(outcome));
    const {message} = await reason(see, 'DatabaseAuthenticationFailed');
    expect(message).toContain('refuses the password of user "app" (Secret auth-db, key "database-url")');
    expect(message).toContain('What runs keeps serving');
    expect((await see.condition('DatabaseReachable')).status).toBe('False');
    expect((await see.condition('SchemaCurrent')).message).toContain('Attempt 1 failed; the next is made at');
    expect((await see.get<Deployment>(RESOURCES.Deployment, 'auth'))?.metadata.generation).toBe(
      before?.metadata.generation,
    );
    expect((await see.resource()).status?.schema).toMatchObject({attempts: 1, job: second.metadata.name});
    const jobs = (await migrations()).map((each) => each.metadata.name);
    expect(jobs.sort()).toEqual([first.metadata.name, second.metadata.name].sort());

    // Back to the first: its Job is still there, so nothing has to run again.
    await harness.admin.mergePatch(
      RESOURCES.Secret,
      {namespace, name: 'auth-db'},
      dbUrl('postgres://app:secret@db:5432/auth'),
    );
    await reason(see, 'Ready');
    await eventually(async () => (await see.list(RESOURCES.Job)).length === 1);
  });

  test('a failed migration is tried again after a while, and counted', async () => {
    const {namespace, see} = await harness.prepare({operated: true});
    await harness.admin.create(FRAISEQLAUTH, fraiseqlauth(namespace));
    const first = await eventually(() => see.migrationJob());
    await see.failJob(first, 'segmentation fault\n');
    const {message} = await reason(see, 'MigrationFailed');
    expect(message).toContain('segmentation fault');
    const again = await eventually(async () => {
      const job = await see.migrationJob();
      return job.metadata.uid !== first.metadata.uid && job;
    });
    expect(again.metadata.annotations?.['auth.fraiseql.dev/attempt']).toBe('2');
    await see.becomeReady();
  });

  test("somebody else's object of the same name is left alone", async () => {
    const {namespace, see} = await harness.prepare({operated: true});
    const theirs = {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: {name: 'auth', namespace},
      spec: {ports: [{port: 1234}]},
    };
    await harness.admin.create<KubeObject>(RESOURCES.Service, theirs);
    await harness.admin.create(FRAISEQLAUTH, fraiseqlauth(namespace));
    await see.completeJob(await eventually(() => see.migrationJob()));
    await eventually(() => see.rollOut());
    const {message} = await reason(see, 'ObjectNotOurs');
    expect(message).toContain('Service');
    expect(message).toContain('The operator leaves it alone. Delete or rename Service auth');
    const live = await see.get<KubeObject & {spec: {ports: {port: number}[]}}>(RESOURCES.Service, 'auth');
    expect(live?.spec.ports[0]?.port).toBe(1234);
    await harness.admin.delete(RESOURCES.Service, {namespace, name: 'auth'});
    await eventually(async () => (await see.condition('Ready')).status === 'True' && true);
  });

  test('what the API server refuses is quoted', async () => {
    const {namespace, see} = await harness.prepare({operated: true});
    const nodeSelectorTerms = [{matchExpressions: [{key: 'zone', operator: 'In'}]}];
    const nodeAffinity = {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms}};
    await harness.admin.create(FRAISEQLAUTH, fraiseqlauth(namespace, {pod: {affinity: {nodeAffinity}}}));
    const {message} = await reason(see, 'ObjectRefused');
    expect(message).toContain('The API server refused Job auth-migrate-');
    expect(message).toContain("must be specified when `operator` is 'In'");
  });

  test('the database and a provider go away and come back while it runs', async () => {
    const {see} = await ready();
    const live = await see.get<Deployment>(RESOURCES.Deployment, 'auth');
    if (live === undefined) throw new Error('no Deployment');
    await see.createServerPod('auth-1', live, '198.51.100.7');
    const mine = (address: string) => address === '198.51.100.7';
    harness.answer = (address) =>
      mine(address) ? {auth: 'healthy', oauthProvider: 'ok', db: 'ok', errors: []} : undefined;
    await eventually(async () => (await see.condition('ProviderReachable')).status === 'True' && true);
    expect((await see.resource()).status?.health).toMatchObject({
      auth: 'healthy',
      oauthProvider: 'ok',
      db: 'ok',
    });

    harness.answer = (address) =>
      mine(address)
        ? {
            auth: 'unhealthy',
            oauthProvider: 'ok',
            db: 'error',
            errors: [{dependency: 'database', reason: 'authentication_failed'}],
          }
        : undefined;
    const wrong = await reason(see, 'DatabaseAuthenticationFailed');
    expect(wrong.message).toContain(
      'The database refuses the user or password in Secret auth-db (key "database-url")',
    );

    harness.answer = (address) =>
      mine(address)
        ? {
            auth: 'degraded',
            oauthProvider: 'error',
            db: 'ok',
            errors: [{dependency: 'provider:keycloak', reason: 'unreachable'}],
          }
        : undefined;
    const away = await reason(see, 'ProviderUnreachable');
    expect(away.message).toContain(
      'Provider keycloak (http://keycloak.idp.svc:8080/realms/dev) does not answer',
    );
    expect((await see.condition('Available')).status).toBe('True');
    expect((await see.condition('DatabaseReachable')).status).toBe('True');

    harness.answer = (address) =>
      mine(address) ? {auth: 'healthy', oauthProvider: 'ok', db: 'ok', errors: []} : undefined;
    await reason(see, 'Ready');
  });
});
