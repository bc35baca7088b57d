import {afterAll, beforeAll, expect, test} from 'vitest';
import {FRAISEQLAUTH} from '../../../src/api/v1alpha1/group-version.ts';
import {RESOURCES, type KubeObject} from '../../../src/kube/objects.ts';
import {APPROVE} from '../../../src/operator/plan/approval.ts';
import {CHILD_TYPES} from '../../../src/operator/observe/scope.ts';
import type {CronJob, Deployment} from '../../../src/operator/workloads.ts';
import {playControllers} from './controllers.ts';
import {dyingAt} from './dying.ts';
import {eventually, fraiseqlauth, IMAGE, PRODUCTION, startHarness, type Harness} from './harness.ts';

let harness: Harness;
beforeAll(async () => {
  harness = await startHarness();
});
afterAll(() => harness.stop());

const SECRETS = ['hush-hush', 'postgres://app:hunter2@db/auth'];
const OTHER = `${IMAGE}-other`;

async function instance(spec: Record<string, unknown> = {}) {
  const {namespace, see, key} = await harness.prepare();
  const controllers = playControllers(see);
  await harness.admin.create(FRAISEQLAUTH, fraiseqlauth(namespace, spec));
  const change = (patch: Record<string, unknown>) => harness.admin.mergePatch(FRAISEQLAUTH, key, patch);
  const plan = async () => (await see.resource()).status?.plan;
  /** The plan that waits for the newest spec: its hash, and its changes in short. */
  const pending = async (other?: string) => {
    const {metadata, status} = await see.resource();
    const {hash, changes = []} = status?.plan ?? {};
    if (status?.observedGeneration !== metadata.generation) return false;
    if (hash === undefined || hash === other) return false;
    return {hash, changes, short: changes.map(({verb, kind, name}) => short(verb, kind, name))};
  };
  return {
    namespace,
    see,
    controllers,
    change,
    plan,
    pending,
    operate: () => harness.operate({namespaces: [namespace]}),
    approve: (hash: string) => change({metadata: {annotations: {[APPROVE]: hash}}}),
    reasonIs: async (reason: string, generation = 0) => {
      const {status} = await see.resource();
      return (
        (status?.observedGeneration ?? 0) >= generation &&
        status?.conditions?.find(({type}) => type === 'Ready')?.reason === reason
      );
    },
    /** Every child with its version: what is the same has not been written. */
    versions: async () =>
      (await Promise.all(CHILD_TYPES.map((type) => see.list<KubeObject>(type))))
        .flat()
        .map(({kind, metadata}) => `${kind}/${metadata.name}@${metadata.resourceVersion}`)
        .sort(),
  };
}

const short = (verb: string, kind: string, name: string): string =>
  `${verb} ${kind} ${name.replace(/-[0-9a-f]{8}$/, '-#')}`;

test('a plan of all that is to be made; let through, it is made to its end, and its hash counts no more', async () => {
  const it = await instance({management: 'Plan'});
  let operator = await it.operate();
  const {hash, short} = await eventually(it.pending);
  expect(short).toEqual([
    'Create Secret auth-signing-keys',
    'Create Secret auth-state',
    'Create ServiceAccount auth',
    'Create ConfigMap auth-config-#',
    'Run Job auth-migrate-#',
    'Create Deployment auth',
    'Create Service auth',
  ]);
  expect(await it.see.children()).toEqual([]);
  expect(await it.see.condition('Ready')).toMatchObject({status: 'False', reason: 'PlanPending'});
  const waiting = await it.see.condition('Approved');
  expect(waiting).toMatchObject({status: 'False', reason: 'PlanPending'});
  expect(waiting.message).toContain(
    `kubectl annotate fqa auth -n ${it.namespace} --overwrite ${APPROVE}=${hash}`,
  );
  // The same again after a restart, though what is random would come out otherwise each time.
  await operator.stop();
  await it.change({status: {plan: null}});
  operator = await it.operate();
  await it.approve('0123456789abcdef');
  await eventually(async () => (await it.see.condition('Approved')).reason === 'PlanChanged');
  expect(await it.pending()).toMatchObject({hash});
  expect(await it.see.children()).toEqual([]);

  await it.approve(hash);
  await eventually(() => it.reasonIs('Ready'));
  expect((await it.see.children()).map((each) => each.replace(/-[0-9a-f]{8}$/, '-#')).sort()).toEqual(
    [...short].map((each) => each.split(' ').slice(1).join('/')).sort(),
  );
  await eventually(async () => (await it.plan())?.approved?.changes === undefined);
  expect(await it.plan()).toEqual({approved: {hash}});
  expect(await it.see.condition('Approved')).toMatchObject({status: 'True', reason: 'NothingPlanned'});
  // What is taken away now was not let through, whatever the annotation says.
  await harness.admin.delete(RESOURCES.Service, {namespace: it.namespace, name: 'auth'});
  const next = await eventually(it.pending);
  expect(next.short).toEqual(['Create Service auth']);
  expect(next.hash).not.toBe(hash);
  await operator.stop();
  await it.controllers.stop();
});

test('a change of image: its check, its roll-out and what is left over are one plan, and nothing else is touched', async () => {
  const it = await instance();
  const asked: string[] = [];
  const operator = await harness.operate({
    namespaces: [it.namespace],
    wrap: (cluster) => ({
      ...cluster,
      get: (type, key, options) => cluster.get(type, key, options),
      podLogs: (key, options) => cluster.podLogs(key, options),
      jsonPatch: (type, key, patch, options) => cluster.jsonPatch(type, key, patch, options),
      mergePatch: (type, key, patch, options) => cluster.mergePatch(type, key, patch, options),
      create: (type, object, options) => {
        if (options?.dryRun === true) asked.push(`create ${type.kind}`);
        return cluster.create(type, object, options);
      },
      apply: (type, object, options) => {
        if (options.dryRun === true) asked.push(`apply ${type.kind}`);
        return cluster.apply(type, object, options);
      },
      delete: (type, key, options) => cluster.delete(type, key, options),
    }),
  });
  await eventually(() => it.reasonIs('Ready'));
  await it.change({spec: {management: 'Plan'}});
  await eventually(async () => (await it.see.condition('Approved')).reason === 'NothingPlanned');
  const before = await it.versions();
  expect(await it.plan()).toBeUndefined();
  expect(asked).toEqual([]);

  await it.change({spec: {image: OTHER}});
  const first = await eventually(it.pending);
  expect(first.short).toEqual([
    'Run Job auth-check-#',
    'Run Job auth-migrate-#',
    'Update Deployment auth',
    'Delete Job auth-migrate-#',
    'Update Deployment auth',
    'Delete Job auth-check-#',
  ]);
  const image = first.changes[2]?.fields?.find(({path}) => path.endsWith('[server].image'));
  expect(image).toEqual({path: 'spec.template.spec.containers[server].image', from: IMAGE, to: OTHER});
  expect(await it.see.condition('Ready')).toMatchObject({status: 'True', reason: 'PlanPending'});
  expect(await it.see.condition('Progressing')).toMatchObject({status: 'False', reason: 'PlanPending'});
  expect(await it.versions()).toEqual(before);
  const calls = asked.length;
  // Another wish is another plan; the same as before is the one before.
  await it.change({spec: {image: `${OTHER}2`}});
  const second = await eventually(() => it.pending(first.hash));
  await it.change({spec: {image: OTHER}});
  expect(await eventually(() => it.pending(second.hash))).toEqual(first);
  expect(asked.length).toBeGreaterThan(calls);
  // Whatever wakes the operator: for nothing new nobody is asked.
  const known = asked.length;
  await it.change({metadata: {labels: {a: 'b'}}});
  await it.change({metadata: {annotations: {[APPROVE]: second.hash}}});
  await eventually(async () => (await it.see.condition('Approved')).reason === 'PlanChanged');
  expect(asked.slice(known)).toEqual([]);
  expect(await it.versions()).toEqual(before);

  await it.approve(first.hash);
  await eventually(() => it.reasonIs('Ready', 5));
  await eventually(async () => (await it.plan())?.approved?.changes === undefined);
  const live = await it.see.get<Deployment>(RESOURCES.Deployment, 'auth');
  expect(live?.spec?.template?.spec?.containers?.[0]?.image).toBe(OTHER);
  const kept = before.filter((each) => !/^(Deployment|Job)/.test(each));
  expect((await it.versions()).filter((each) => !/^(Deployment|Job)/.test(each))).toEqual(kept);
  const events = await it.see.list<KubeObject & {reason: string}>(RESOURCES.Event);
  expect(events.map(({reason}) => reason)).toEqual(
    expect.arrayContaining(['PlanPending', 'PlanChanged', 'PlanApproved']),
  );
  await operator.stop();
  await it.controllers.stop();
});

test('a section that is taken out, drift, and what others own: told apart, and never a value of a Secret', async () => {
  const it = await instance(PRODUCTION);
  const operator = await it.operate();
  const {admin} = harness;
  const key = {namespace: it.namespace, name: 'auth'};
  await eventually(() => it.reasonIs('Ready'));
  await it.change({spec: {management: 'Plan'}});
  await eventually(async () => (await it.see.condition('Approved')).reason === 'NothingPlanned');
  // As an autoscaler, an injector and a person do.
  await admin.mergePatch(RESOURCES.Deployment, key, {
    metadata: {annotations: {'example.com/theirs': 'x'}},
    spec: {replicas: 7},
  });
  await admin.mergePatch(RESOURCES.CronJob, {...key, name: 'auth-backup'}, {spec: {schedule: '1 1 * * *'}});
  const drift = await eventually(it.pending);
  expect(drift.changes).toMatchObject([
    {
      verb: 'Update',
      kind: 'CronJob',
      name: 'auth-backup',
      fields: [{path: 'spec.schedule', from: '1 1 * * *', to: '0 2 * * *'}],
    },
  ]);
  await it.change({spec: {backup: {policy: 'None', destination: null}}});
  const removed = await eventually(() => it.pending(drift.hash));
  expect(removed.short).toEqual(['Delete CronJob auth-backup', 'Delete ServiceAccount auth-backup']);
  expect(await it.see.get<CronJob>(RESOURCES.CronJob, 'auth-backup')).toBeDefined();
  // Approved, and the spec edited in the same breath: that plan is no more.
  await it.change({
    metadata: {annotations: {[APPROVE]: removed.hash}},
    spec: {autoscaling: {minReplicas: 2, maxReplicas: 9}},
  });
  const edited = await eventually(() => it.pending(removed.hash));
  expect(edited.short).toContain('Update HorizontalPodAutoscaler auth');
  expect(await it.see.condition('Approved')).toMatchObject({reason: 'PlanChanged'});
  expect((await it.see.condition('Approved')).message).toContain(edited.hash);
  expect(await it.see.get<CronJob>(RESOURCES.CronJob, 'auth-backup')).toBeDefined();
  // A Secret that has changed, and then a key that is gone.
  const values = {stringData: {'client-secret': SECRETS[0]}};
  await admin.mergePatch(RESOURCES.Secret, {...key, name: 'keycloak-client'}, values);
  const rolls = await eventually(() => it.pending(edited.hash));
  expect(rolls.short).toContain('Update Deployment auth');
  await admin.delete(RESOURCES.Secret, {...key, name: 'auth-state'});
  const secret = await eventually(() => it.pending(rolls.hash));
  expect(secret.short[0]).toBe('Create Secret auth-state');
  const whole = JSON.stringify(await it.see.resource());
  for (const each of SECRETS) {
    expect(whole).not.toContain(each);
    expect(whole).not.toContain(Buffer.from(each).toString('base64'));
  }
  // All of it let through: the pods keep the number that the autoscaler gave them.
  await it.approve(secret.hash);
  await eventually(
    async () => (await it.reasonIs('Ready', 4)) && (await it.plan())?.approved?.changes === undefined,
    20_000,
  );
  const live = await it.see.get<Deployment>(RESOURCES.Deployment, 'auth');
  expect(live?.spec?.replicas).toBe(7);
  expect(live?.metadata.annotations?.['example.com/theirs']).toBe('x');
  expect(await it.see.get<CronJob>(RESOURCES.CronJob, 'auth-backup')).toBeUndefined();
  await operator.stop();
  await it.controllers.stop();
});

test('killed before and after writes of a plan that was let through, it goes on by itself', async () => {
  const run = async (n: number, when: 'before' | 'after') => {
    const it = await instance({management: 'Plan'});
    let operator = await it.operate();
    const {hash} = await eventually(it.pending);
    await operator.stop();
    const {wrap, dead} = dyingAt(n, when);
    operator = await harness.operate({namespaces: [it.namespace], wrap});
    await it.approve(hash);
    await eventually(async () => dead() || it.reasonIs('Ready'), 30_000);
    await operator.stop();
    operator = await it.operate();
    await eventually(
      async () => (await it.reasonIs('Ready')) && (await it.plan())?.approved?.changes === undefined,
      30_000,
    );
    expect(await it.plan()).toEqual({approved: {hash}});
    await operator.stop();
    await it.controllers.stop();
    const children = (await it.see.children()).map((each) => each.replace(/-[0-9a-f]{8}$/, '-#')).sort();
    const keys = await it.see.get<KubeObject & {data: object}>(RESOURCES.Secret, 'auth-signing-keys');
    return {state: [...children, Object.keys(keys?.data ?? {}).length], died: dead()};
  };
  // Dry runs count here; at every write alone it is killed where the cluster is simulated.
  const all = await Promise.all([run(8, 'after'), run(9, 'before'), run(10, 'after')]);
  expect(all.filter(({died}) => died).length).toBe(3);
  for (const {state} of all) expect(state).toEqual(all[0]?.state);
});
