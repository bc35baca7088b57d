import {describe, expect, test} from 'vitest';
import {productionSpec} from '../../fixtures/specs.ts';
import {imageOf, short} from './proving.ts';
import {World} from './world.ts';

// What comes after a sleep: first what ran before it, then what is asked for by now.

const RAN = 'registry.test/fraiseql-auth:1.4.0';
const NEXT = 'registry.test/fraiseql-auth:2.0.0';

const replicas = (world: World): number | undefined => world.deployment?.spec.replicas;

const templateOf = (world: World): unknown =>
  (world.deployment as unknown as {spec: {template: unknown}}).spec.template;

/** It sleeps, and no pod is left. */
function sleeping(spec: Record<string, unknown>): World {
  const world = new World(productionSpec(spec)).settle();
  world.change({runState: 'Hibernated'});
  world.pass();
  world.rollOut();
  expect(world.pass()).toEqual([]);
  return world;
}

/** It has its pods back, of which none is ready yet. */
function woken(): World {
  const world = sleeping({rollout: {check: 'Never', progressDeadline: '1m'}});
  world.change({runState: 'Running'});
  world.pass();
  return world;
}

test.each(['Always', 'Never'])(
  'what changed while it slept rolls out when it has woken with what ran before; check: %s',
  (check) => {
    const world = sleeping({replicas: 2, rollout: {check}});
    world.change({image: NEXT});
    expect(world.pass()).toEqual([]);
    world.change({runState: 'Running'});
    expect(world.pass()[0]).toBe('patch Deployment/auth');
    expect([replicas(world), imageOf(world)]).toEqual([2, RAN]);
    expect(world.ready).toMatch(
      /^RollingOut: The service wakes with what ran before.*: 0 of 2 pods are ready/,
    );
    expect(world.condition('Progressing')).toMatchObject({status: 'True', reason: 'RollingOut'});
    expect(world.pass()).toEqual([]);
    world.rollOut();
    expect(short(world.pass())).toEqual(['patch Deployment/auth', 'create Job/auth-migrate']);
    world.completeJob();
    world.pass();
    expect([replicas(world), imageOf(world)]).toEqual([2, NEXT]);
  },
);

test('what changes while it wakes rolls out when it serves, also where another operator takes over', () => {
  const world = woken();
  world.change({tokens: {accessTTL: '30m'}});
  const before = templateOf(world);
  expect(world.pass()).toEqual([]);
  world.restart();
  expect(world.pass()).toEqual([]);
  expect(templateOf(world)).toEqual(before);
  world.rollOut();
  world.pass();
  expect(templateOf(world)).not.toEqual(before);
});

describe('where it does not come up', () => {
  test('a change is not held back for longer than a roll-out may take, by a clock that never jumps', () => {
    const world = woken();
    world.change({tokens: {accessTTL: '30m'}});
    world.pass();
    const before = templateOf(world);
    world.setClock(86_400_000);
    expect(world.pass()).toEqual([]);
    const {requeueAfterMs = 0} = world.decide();
    expect(requeueAfterMs).toBe(60_001);
    world.now += requeueAfterMs;
    expect(world.pass()).toEqual(['patch Deployment/auth', 'update Deployment/auth']);
    expect(templateOf(world)).not.toEqual(before);
    expect(world.pass()).toEqual([]);
  });

  test('it sleeps again, with as many pods to come as it had', () => {
    const world = new World(productionSpec()).settle();
    if (world.deployment) world.deployment.spec.replicas = 7;
    for (const runState of ['Hibernated', 'Running', 'Hibernated', 'Running']) {
      world.change({runState});
      world.pass();
      expect(replicas(world)).toBe(runState === 'Running' ? 7 : 0);
    }
  });
});
