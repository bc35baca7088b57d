import {setTimeout as delay} from 'node:timers/promises';
import {afterAll, beforeAll, describe, expect, test} from 'vitest';
import {FRAISEQLAUTH} from '../../../src/api/v1alpha1/group-version.ts';
import {RESOURCES, type KubeObject} from '../../../src/kube/objects.ts';
import type {Deployment, ReplicaSet} from '../../../src/operator/workloads.ts';
import {playControllers} from './controllers.ts';
import {eventually, fraiseqlauth, type Observer, PRODUCTION, startHarness, type Harness} from './harness.ts';

let harness: Harness;
beforeAll(async () => {
  harness = await startHarness();
});
afterAll(() => harness.stop());

async function apply(
  spec: Record<string, unknown> = {},
): Promise<{namespace: string; see: Observer; key: {namespace: string; name: string}}> {
  const prepared = await harness.prepare({operated: true});
  await harness.admin.create(FRAISEQLAUTH, fraiseqlauth(prepared.namespace, spec));
  await prepared.see.becomeReady();
  return prepared;
}

const deployment = async (see: Observer): Promise<Deployment> => {
  const found = await see.get<Deployment>(RESOURCES.Deployment, 'auth');
  if (found === undefined) throw new Error('there is no Deployment');
  return found;
};

describe.concurrent('a resource over its life', () => {
  test('production has an autoscaler, a budget and backups; each goes with its section, and nothing else does', async () => {
    const {see, key} = await apply(PRODUCTION);
    expect(await see.children()).toEqual(
      expect.arrayContaining([
        'HorizontalPodAutoscaler/auth',
        'PodDisruptionBudget/auth',
        'CronJob/auth-backup',
        'ServiceAccount/auth-backup',
      ]),
    );
    const {status} = await see.resource();
    expect(status?.backup?.next).toMatch(/T02:00:00Z$/);
    await eventually(async () => (await see.condition('BackupHealthy')).reason === 'WaitingForFirst');

    await harness.admin.mergePatch(FRAISEQLAUTH, key, {spec: {backup: {policy: 'None', destination: null}}});
    await eventually(async () => !(await see.children()).some((each) => each.includes('backup')));
    expect(await see.get(RESOURCES.Secret, 's3')).toBeDefined();
    await eventually(async () => (await see.condition('BackupHealthy')).reason === 'Disabled');

    await harness.admin.mergePatch(FRAISEQLAUTH, key, {spec: {replicas: 1}});
    await eventually(async () => {
      const children = await see.children();
      return (
        !children.includes('HorizontalPodAutoscaler/auth') && !children.includes('PodDisruptionBudget/auth')
      );
    });
  });

  test("an autoscaler's number of pods is never touched, nor reset when it comes or goes", async () => {
    const {see, key} = await apply(PRODUCTION);
    expect((await deployment(see)).spec?.replicas).toBe(3);
    // As the autoscaler would, through the scale subresource.
    await harness.admin.mergePatch(
      RESOURCES.Deployment,
      key,
      {spec: {replicas: 7}},
      {fieldManager: 'kube-controller-manager'},
    );
    await harness.admin.mergePatch(FRAISEQLAUTH, key, {spec: {logging: {level: 'debug'}}});
    await see.passCheck();
    await eventually(
      async () => JSON.stringify((await deployment(see)).spec?.template).includes('debug') && true,
    );
    await delay(300);
    expect((await deployment(see)).spec?.replicas).toBe(7);

    await harness.admin.mergePatch(FRAISEQLAUTH, key, {spec: {replicas: 2}});
    await eventually(async () => (await deployment(see)).spec?.replicas === 2);
    const seen: (number | undefined)[] = [];
    await harness.admin.mergePatch(FRAISEQLAUTH, key, {spec: {replicas: null, logging: {level: 'warn'}}});
    await see.passCheck();
    await eventually(async () => {
      const live = await deployment(see);
      seen.push(live.spec?.replicas);
      return JSON.stringify(live.spec?.template).includes('"warn"') && true;
    });
    await delay(300);
    seen.push((await deployment(see)).spec?.replicas);
    expect(new Set(seen)).toEqual(new Set([2]));
    await eventually(async () => (await see.children()).includes('HorizontalPodAutoscaler/auth') && true);
  });

  test('pods roll when the data of a Secret changes, and only then; old configurations go when no pod uses them', async () => {
    const {see, namespace, key} = await apply();
    const first = await deployment(see);
    await harness.admin.mergePatch(
      RESOURCES.Secret,
      {namespace, name: 'keycloak-client'},
      {metadata: {labels: {a: 'b'}}, stringData: {other: 'x'}},
    );
    await delay(500);
    expect((await deployment(see)).metadata.generation).toBe(first.metadata.generation);
    await harness.admin.mergePatch(
      RESOURCES.Secret,
      {namespace, name: 'keycloak-client'},
      {stringData: {'client-secret': 'new'}},
    );
    await see.passCheck();
    await eventually(async () => (await deployment(see)).metadata.generation !== first.metadata.generation);
    await see.rollOut();

    const configs = async () => (await see.children()).filter((each) => each.startsWith('ConfigMap'));
    const [old] = await configs();
    // An old ReplicaSet that still has pods.
    await harness.admin.create<ReplicaSet>(RESOURCES.ReplicaSet, {
      apiVersion: 'apps/v1',
      kind: 'ReplicaSet',
      metadata: {
        name: 'auth-old',
        namespace,
        labels: {...first.spec?.template?.metadata?.labels},
        ownerReferences: [
          {
            apiVersion: 'apps/v1',
            kind: 'Deployment',
            name: 'auth',
            uid: first.metadata.uid ?? '',
            controller: true,
          },
        ],
      },
      spec: {
        replicas: 1,
        selector: {matchLabels: first.spec?.template?.metadata?.labels},
        template: first.spec?.template,
      },
    } as unknown as ReplicaSet);
    await harness.admin.mergePatch(FRAISEQLAUTH, key, {
      spec: {providers: [{...fraiseqlauth('x').spec.providers[0], displayName: 'Staff'}]},
    });
    await see.passCheck();
    await eventually(async () => (await configs()).length === 2);
    const now = (await configs()).find((each) => each !== old)?.split('/')[1] ?? '';
    await eventually(
      async () => JSON.stringify((await deployment(see)).spec?.template).includes(now) && true,
    );
    await see.rollOut();
    await delay(500);
    expect(await configs()).toContain(old);
    await harness.admin.mergePatch(
      RESOURCES.ReplicaSet,
      {namespace, name: 'auth-old'},
      {spec: {replicas: 0}},
    );
    await eventually(async () => (await configs()).length === 1);
    expect(await configs()).not.toContain(old);
  });

  test('another algorithm gets another key, which is published while the old one signs on', async () => {
    const {see, key} = await apply();
    const before = (await see.resource()).status?.signingKeys;
    await harness.admin.mergePatch(FRAISEQLAUTH, key, {spec: {tokens: {algorithm: 'RS256'}}});
    const keys = await eventually(async () => {
      const {status} = await see.resource();
      return status?.signingKeys?.length === 2 && status.signingKeys;
    });
    expect(keys.find((each) => each.kid === before?.[0]?.kid)?.state).toBe('Signing');
    expect(keys.filter((each) => each.state === 'Published')).toHaveLength(1);
  });

  test('a broken key is named, and another one signs', async () => {
    const {see, namespace} = await apply();
    await harness.admin.mergePatch(
      RESOURCES.Secret,
      {namespace, name: 'auth-signing-keys'},
      {stringData: {'oops.pem': 'not a key'}},
    );
    const broken = await eventually(async () => {
      const condition = await see.condition('KeysHealthy');
      return condition.status === 'False' && condition;
    });
    expect(broken.message).toContain('oops.pem cannot sign: it is not a private key in PEM form');
    expect((await see.condition('Ready')).status).toBe('True');
  });

  test('a deleted resource is left to the cluster: nothing is made again', async () => {
    const {see, key} = await apply();
    const writes = new Date();
    await harness.admin.delete(FRAISEQLAUTH, key, {propagationPolicy: 'Background'});
    await eventually(async () => {
      const left = await harness.admin.list(FRAISEQLAUTH, {namespace: key.namespace});
      return left.items.length === 0;
    });
    // There is no garbage collector here: the test takes a child away itself.
    await harness.admin.delete(RESOURCES.Service, key);
    await delay(700);
    expect(
      (await harness.writesSince(writes, key.namespace)).filter((each) => each.includes('/auth')),
    ).toEqual([]);
    expect(await see.get(RESOURCES.Service, 'auth')).toBeUndefined();
  });

  test('a namespace that is being deleted is left in peace', async () => {
    const {see, namespace, key} = await apply();
    await harness.admin.delete(RESOURCES.Namespace, {name: namespace});
    const writes = new Date();
    // As the namespace's controller would: one thing goes after the other.
    for (const type of [RESOURCES.Service, RESOURCES.Deployment, RESOURCES.ServiceAccount]) {
      await harness.admin.delete(type, key);
      await delay(200);
    }
    await delay(500);
    const tried = await harness.writesSince(writes, namespace);
    expect(tried).toEqual(['create services/auth']);
    expect((await see.condition('Ready')).status).toBe('True');
  });

  test("forty at once do not get in each other's way, one of them broken", async () => {
    const {namespace, see} = await harness.prepare({operated: true});
    const controllers = playControllers(see);
    const started = performance.now();
    await Promise.all(
      Array.from({length: 40}, (_, index) =>
        harness.admin.create(
          FRAISEQLAUTH,
          fraiseqlauth(
            namespace,
            index === 7 ? {database: {urlSecretRef: {name: 'nowhere', key: 'url'}}} : {},
            `auth-${index}`,
          ),
        ),
      ),
    );
    await eventually(async () => {
      const {items} = await harness.admin.list<
        KubeObject & {status?: {conditions?: {type: string; status: string}[]}}
      >(FRAISEQLAUTH, {namespace});
      return (
        items.filter((each) =>
          each.status?.conditions?.some((c) => c.type === 'Ready' && c.status === 'True'),
        ).length === 39
      );
    }, 60_000);
    console.log(`39 of 40 ready after ${Math.round(performance.now() - started)} ms`);
    expect((await see.condition('Ready', 'auth-7')).reason).toBe('SecretNotFound');
    await controllers.stop();
  });
});
