import {describe, expect, test} from 'vitest';
import {BAD, imageOf, refusal, running, short, stuck} from './proving.ts';
import {iso} from './objects.ts';
import {World} from './world.ts';

describe('a change proves itself', () => {
  test('before it migrates and before it rolls, and the word of its Job is then no longer needed', () => {
    const world = running();
    const before = world.deployment;
    world.change({image: 'registry.test/fraiseql-auth:2.0.0'});
    expect(short(world.pass())).toEqual(['create Job/auth-check']);
    expect(world.deployment).toBe(before);
    expect(world.condition('Progressing')).toMatchObject({status: 'True', reason: 'Checking'});
    expect(world.condition('SchemaCurrent')?.status, 'what runs has its schema').toBe('True');
    expect(world.ready).toMatch(
      /^RollingOut: Job auth-check-\w+ is checking the change.*What runs keeps serving/,
    );
    expect(world.pass()).toEqual([]);

    world.endCheck();
    expect(short(world.pass())).toEqual(['create Job/auth-migrate']);
    world.completeJob();
    expect(short(world.pass())).toEqual(['update Deployment/auth', 'delete Job/auth-migrate']);
    expect(short(world.pass())).toEqual(['delete Job/auth-check']);
    world.rollOut();
    expect(world.pass()).toEqual(['update Deployment/auth']);
    expect(world.ready).toMatch(/^Ready: Version 2\.0\.0/);
    expect(world.pass()).toEqual([]);
  });

  test('with the image, the environment, the files and the place of the pods, but not their labels', () => {
    const world = running({pod: {nodeSelector: {disk: 'gold'}, extraEnv: [{name: 'A', value: 'b'}]}});
    world.change({restartToken: 'again'});
    world.pass();
    type Pods = {spec: {template: {metadata: {labels: object}; spec: Record<string, unknown>}}};
    const job = (world.check as unknown as Pods).spec.template;
    const pods = (world.deployment as unknown as Pods).spec.template;
    const [[checks], [serves]] = [job, pods].map(({spec}) => spec['containers']) as [
      Container[],
      Container[],
    ];
    expect(job.spec).toMatchObject({nodeSelector: {disk: 'gold'}, volumes: pods.spec['volumes']});
    expect(checks).toMatchObject({args: ['check'], image: serves?.image, volumeMounts: serves?.volumeMounts});
    expect(checks?.env.slice(0, -1)).toEqual(serves?.env);
    expect(checks).not.toHaveProperty('readinessProbe');
    expect(job.metadata.labels).toMatchObject({'app.kubernetes.io/component': 'check'});
  });

  test('not where nothing has ever run, not where the spec says so, and not for what the pods do not see', () => {
    const fresh = new World();
    fresh.checks = 'manual';
    expect(short(fresh.pass())).not.toContain('create Job/auth-check');
    fresh.completeJob();
    fresh.pass();
    fresh.change({tokens: {accessTTL: '30m'}});
    expect(fresh.pass(), 'a correction of what never worked').toEqual(['update Deployment/auth']);

    const world = running({rollout: {check: 'Never'}});
    world.change({tokens: {accessTTL: '30m'}});
    expect(world.pass()).toEqual(['update Deployment/auth']);

    const scaled = running();
    scaled.change({replicas: 5});
    expect(scaled.pass()).toEqual(['update Deployment/auth']);
    expect(scaled.deployment?.spec.replicas).toBe(5);
  });

  test('a restart and another Secret go the same way', () => {
    const world = running();
    world.change({restartToken: '2026-11-24'});
    expect(short(world.pass())).toEqual(['create Job/auth-check']);
    world.endCheck();
    expect(world.pass()).toEqual(['update Deployment/auth']);
    world.rollOut();
    world.pass();
    world.secret('keycloak-client', {'client-id': 'auth', 'client-secret': 'another'});
    expect(short(world.pass())).toEqual(['create Job/auth-check']);
  });
});

describe('what runs is kept up while a change waits', () => {
  const drifted = (world: World): void => {
    const live = world.deployment;
    if (live === undefined) throw new Error('there is no Deployment');
    world.children.set('Deployment/auth', {...live, desired: undefined, spec: {replicas: 1}});
  };

  test('for its migration: it is scaled and put right, with the pods that it has', () => {
    const world = running();
    const pods = templateOf(world);
    world.change({image: 'registry.test/fraiseql-auth:2.0.0'});
    world.pass();
    world.endCheck();
    expect(short(world.pass())).toEqual(['create Job/auth-migrate']);
    world.change({replicas: 5});
    expect(world.pass()).toEqual(['update Deployment/auth']);
    expect(world.deployment?.spec.replicas).toBe(5);
    world.failJob('no');
    drifted(world);
    expect(short(world.pass())).toContain('update Deployment/auth');
    expect(templateOf(world)).toEqual(pods);
    world.change({replicas: undefined, autoscaling: {minReplicas: 2, maxReplicas: 4}});
    expect(short(world.pass())).toContain('create HorizontalPodAutoscaler/auth');
    expect(templateOf(world)).toEqual(pods);
    world.completeJob();
    expect(short(world.pass())).toContain('update Deployment/auth');
    expect(imageOf(world)).toBe('registry.test/fraiseql-auth:2.0.0');
  });

  test('for a Secret, whatever else the spec and the other Secrets say meanwhile', () => {
    const world = running();
    const pods = templateOf(world);
    world.secret('keycloak-client', undefined);
    world.secret('auth-db', {'database-url': 'postgres://app:another@db/auth'});
    expect(world.pass()).toEqual([]);
    world.change({replicas: 5, image: BAD});
    expect(world.pass()).toEqual(['update Deployment/auth']);
    expect(world.deployment?.spec.replicas).toBe(5);
    drifted(world);
    expect(world.pass()).toEqual(['update Deployment/auth']);
    expect(templateOf(world)).toEqual(pods);
  });

  test('but a roll-out that is under way is left as it is', () => {
    const world = stuck(running());
    const pods = templateOf(world);
    world.secret('keycloak-client', undefined);
    world.change({replicas: 5});
    expect(world.pass()).toEqual([]);
    expect(templateOf(world)).toEqual(pods);
  });
});

describe('a change that fails its check', () => {
  test('leaves all as it is, says why, and makes room for the next', () => {
    const world = running();
    const pods = imageOf(world);
    world.change({image: BAD});
    world.pass();
    world.endCheck(refusal('ConfigurationInvalid', 'LOG_LEVEL: must be one of …'));
    // The Deployment remembers it.
    expect(world.pass()).toEqual(['update Deployment/auth']);
    expect(imageOf(world)).toBe(pods);
    expect(world.condition('Progressing')).toMatchObject({status: 'False', reason: 'ConfigurationInvalid'});
    expect(world.status?.blockedOn).toMatchObject([
      {
        reason: 'ConfigurationInvalid',
        message: 'The change is not rolled out: LOG_LEVEL: must be one of …',
        hint: expect.stringMatching(
          /^do this\. It is tried again at 2026-11-23T12:01:00Z, and at once when the spec or a Secret changes/,
        ),
      },
    ]);
    expect(world.condition('Available')?.status).toBe('True');
    expect(world.status?.version).toEqual({current: '1.4.0', target: 'bad'});
    const told = world.events.length;
    world.now += 30_000;
    expect(world.pass()).toEqual([]);
    // Not even when its Job is gone.
    world.children.delete(`Job/${world.check?.metadata.name}`);
    expect(world.pass()).toEqual([]);
    expect(world.events.length).toBe(told);

    // What needs no other pods is done all the same.
    world.change({replicas: 5});
    world.pods = [];
    expect(short(world.pass())).toContain('update Deployment/auth');
    expect(world.deployment?.spec.replicas).toBe(5);

    world.change({image: undefined});
    world.pass();
    world.rollOut();
    world.pass();
    expect(world.ready).toMatch(/^Ready: Version 1\.4\.0/);
    expect(world.status?.blockedOn).toBeUndefined();
  });

  test('rests, is tried again, rests longer, and rolls out when what kept it from that is gone', () => {
    const world = running();
    const unknown = refusal('ProviderInvalid', 'Provider keycloak refuses the client id or secret');
    const next = (): string | undefined => / at (\S+Z)/.exec(world.status?.blockedOn?.[0]?.hint ?? '')?.[1];
    // The Secret was changed before the provider was.
    world.secret('keycloak-client', {'client-id': 'auth', 'client-secret': 'not yet known there'});
    world.pass();
    world.endCheck(unknown);
    world.pass();
    const told = world.events.length;
    for (const minutes of [1, 2, 4, 8, 16, 30, 30]) {
      const {requeueAfterMs = 0} = world.decide();
      expect(requeueAfterMs).toBe(minutes * 60_000);
      expect(next()).toBe(iso(world.now + requeueAfterMs));
      world.now += requeueAfterMs - 1;
      expect(world.pass()).toEqual([]);
      world.now++;
      world.pods = [];
      expect(short(world.pass())).toEqual(['recreate Job/auth-check']);
      expect(world.ready).toMatch(/^ProviderInvalid: The change is not rolled out.*It is being retried/);
      expect(world.pass(), 'one Job at a time').toEqual([]);
      world.endCheck(unknown);
      expect(world.pass(), 'the Deployment counts').toEqual(['update Deployment/auth']);
    }
    expect(world.events.length, 'that it still fails is no news').toBe(told);
    world.now += 30 * 60_000;
    world.pass();
    world.endCheck();
    expect(world.pass()).toEqual(['update Deployment/auth']);
    world.rollOut();
    for (let turn = 0; turn < 3; turn++) world.pass();
    expect(world.ready).toMatch(/^Ready/);
    expect(world.deployment?.metadata.annotations).not.toHaveProperty('auth.fraiseql.dev/refused-template');
  });

  test('is tried again by an operator that has just begun, with the Job gone and the clock a day off', () => {
    const world = running();
    world.change({image: BAD});
    world.pass();
    world.endCheck(refusal('CheckFailed', 'no'));
    world.pass();
    world.children.delete(`Job/${world.check?.metadata.name}`);
    world.restart();
    world.now -= 86_400_000;
    expect(world.pass()).toEqual([]);
    expect(world.decide().requeueAfterMs).toBe(60_000);
    world.now += 60_000;
    expect(short(world.pass())).toEqual(['create Job/auth-check']);
    world.endCheck(refusal('CheckFailed', 'no'));
    world.pass();
    expect(world.decide().requeueAfterMs).toBe(120_000);
  });

  test('is told with the reason of its pod, also when that is gone', () => {
    const world = running();
    world.change({image: BAD});
    world.pass();
    const job = world.check;
    if (job === undefined) throw new Error('no Job');
    world.pods = [
      world.pod(
        `${job.metadata.name}-abcde`,
        job,
        {containerStatuses: [{name: 'check', image: BAD, state: {waiting: {reason: 'ImagePullBackOff'}}}]},
        'check',
      ),
    ];
    expect(world.pass()).toEqual([]);
    expect(world.ready).toMatch(/^ImagePullFailed: .*cannot pull image.*What runs keeps serving/);
    expect(world.condition('Progressing')).toMatchObject({status: 'False', reason: 'ImagePullFailed'});
    // The Job controller takes the pod away a moment before it says so.
    world.pods = world.pods.map((each) => ({
      ...each,
      metadata: {...each.metadata, deletionTimestamp: iso(world.now)},
    }));
    expect(world.pass()).toEqual([]);
    expect(world.ready).toMatch(/^ImagePullFailed/);
    world.pods = [];
    world.pass();
    world.endCheck('', 'DeadlineExceeded');
    expect(world.pass()).toEqual(['update Deployment/auth']);
    expect(world.ready).toMatch(/^ImagePullFailed: The change is not rolled out: .*cannot pull image/);
    expect(world.pass()).toEqual([]);
  });

  test('keeps the reason of a pod that never ran: seen to go after its Job, and not seen at all at the next try', () => {
    const world = running();
    world.change({image: BAD});
    world.pass();
    const job = world.check;
    if (job === undefined) throw new Error('no Job');
    const state = {waiting: {reason: 'ImagePullBackOff'}};
    const status = {containerStatuses: [{name: 'check', image: BAD, state}]};
    world.pods = [world.pod(`${job.metadata.name}-abcde`, job, status, 'check')];
    world.endCheck('', 'DeadlineExceeded');
    expect(world.pass()).toEqual(['update Deployment/auth']);
    expect(world.ready).toMatch(/^ImagePullFailed: The change is not rolled out: .*cannot pull image/);
    world.pods = [];
    world.now += 60_000;
    expect(short(world.pass())).toEqual(['recreate Job/auth-check']);
    world.endCheck('', 'DeadlineExceeded');
    world.pass();
    expect(world.ready).toMatch(/^ImagePullFailed: The change is not rolled out: .*cannot pull image/);
  });

  test('that did not end in its time is no word of a try that did', () => {
    const world = running();
    world.change({image: BAD});
    world.pass();
    world.endCheck(refusal('ConfigurationInvalid', 'no'));
    world.pass();
    world.now += 60_000;
    world.pods = [];
    expect(short(world.pass())).toEqual(['recreate Job/auth-check']);
    world.endCheck('', 'DeadlineExceeded');
    world.pass();
    expect(world.ready).toMatch(/^ProgressDeadlineExceeded: /);
  });

  test('is tried again after a while where a provider is away, and not held up by one that is away for all', () => {
    const world = running();
    world.change({tokens: {accessTTL: '30m'}});
    world.pass();
    world.endCheck(
      refusal('ProviderUnreachable', 'Provider keycloak does not answer', {providers: ['keycloak']}),
    );
    expect(world.pass()).toEqual([]);
    expect(world.ready).toMatch(/^ProviderUnreachable: Provider keycloak does not answer/);
    expect(world.ready).toContain(`do this. It is tried again at ${iso(world.now + 10_000)}`);
    expect(world.decide().requeueAfterMs).toBe(10_000);
    world.pods = [];
    // Also when its pod is gone, and with the same words.
    expect(world.pass()).toEqual([]);
    expect(world.ready).toContain(`do this. It is tried again at ${iso(world.now + 10_000)}.`);
    world.now += 10_000;
    world.pods = [];
    expect(short(world.pass())).toEqual(['recreate Job/auth-check']);
    world.endCheck(
      refusal('ProviderUnreachable', 'Provider keycloak does not answer', {providers: ['keycloak']}),
    );
    expect(world.decide().requeueAfterMs).toBe(20_000);

    world.health = {
      auth: 'degraded',
      oauthProvider: 'error',
      db: 'ok',
      errors: [{dependency: 'provider:keycloak', reason: 'unreachable'}],
      checkedAt: iso(world.now),
      sinceMs: world.now,
    };
    expect(short(world.pass())).toEqual(['update Deployment/auth']);
  });

  test.each([-1, 1])('is tried again after as long where the clock was set by %d days meanwhile', (days) => {
    const world = running();
    world.change({tokens: {accessTTL: '30m'}});
    world.pass();
    world.endCheck(refusal('ProviderUnreachable', 'no answer', {providers: ['keycloak']}));
    world.pass();
    world.setClock(days * 86_400_000);
    expect(world.pass()).toEqual([]);
    expect(world.decide().requeueAfterMs).toBe(10_001);
    world.now += 10_000;
    expect(short(world.pass())).toEqual(['recreate Job/auth-check']);
  });
});

test.each([-1, 1])('what was refused rests as long where the clock was set by %d days meanwhile', (days) => {
  const world = running();
  world.change({image: BAD});
  world.pass();
  world.endCheck(refusal('ConfigurationInvalid', 'no'));
  world.pass();
  world.now += 20_000;
  world.setClock(days * 86_400_000);
  expect(world.pass()).toEqual([]);
  expect(world.decide().requeueAfterMs).toBe(40_001);
  expect(world.ready).toContain(`It is tried again at ${iso(world.now + 40_001).replace(/\.\d+/, '')}`);
  world.now += 39_999;
  expect(world.pass()).toEqual([]);
  world.now++;
  world.pods = [];
  expect(short(world.pass())).toEqual(['recreate Job/auth-check']);
});

interface Container {
  image: string;
  env: {name: string}[];
  volumeMounts: object[];
}

/** What the Deployment's pods are made from. */
const templateOf = (world: World): unknown =>
  (world.deployment as unknown as {spec: {template: unknown}}).spec.template;
