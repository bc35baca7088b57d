import {describe, expect, test} from 'vitest';
import {BAD, imageOf, late, oneNewPod, running, short, stuck} from './proving.ts';
import type {World} from './world.ts';

/** A roll-out that has failed, and what ran before it runs everywhere again. */
function takenBack(): World {
  const world = stuck(running());
  late(world);
  world.pass();
  world.pods = [];
  world.rollOut();
  world.pass();
  return world;
}

describe('a roll-out that fails', () => {
  test('goes back to what ran, once, and says what failed', () => {
    const world = stuck(running());
    expect(imageOf(world)).toBe(BAD);
    expect(world.ready).toMatch(/^ContainerCrashing/);
    late(world);
    expect(world.pass()).toEqual(['update Deployment/auth']);
    expect(imageOf(world)).toBe('registry.test/fraiseql-auth:1.4.0');
    expect(world.condition('Progressing')).toMatchObject({status: 'False', reason: 'RolledBack'});
    expect(world.status?.blockedOn?.map(({reason, message}) => `${reason}: ${message}`)).toEqual([
      expect.stringMatching(/^ContainerCrashing: The roll-out failed and was undone: Pod auth-new crashes/),
    ]);
    expect(world.events.filter(({reason}) => reason === 'RolledBack')).toHaveLength(1);
    world.pods = [];
    world.rollOut();
    for (let turn = 0; turn < 5; turn++) {
      world.now += 100_000;
      expect(world.pass()).toEqual([]);
    }
    expect(world.status?.version).toEqual({current: '1.4.0', target: 'bad'});
    expect(world.condition('Ready')).toMatchObject({status: 'False', reason: 'ContainerCrashing'});
    expect(world.events.filter(({reason}) => reason === 'RolledBack')).toHaveLength(1);

    // The same once more, because a person wants it.
    world.change({restartToken: 'once more'});
    expect(short(world.pass())).toEqual(['create Job/auth-check', 'update Deployment/auth']);
  });

  test('is tried again much later, by a check and a roll-out, and each time later', () => {
    const world = takenBack();
    for (const minutes of [10, 20]) {
      expect(world.decide().requeueAfterMs).toBe(minutes * 60_000);
      world.now += minutes * 60_000;
      expect(short(world.pass())).toEqual(['create Job/auth-check']);
      world.endCheck();
      expect(short(world.pass())).toContain('update Deployment/auth');
      expect(imageOf(world)).toBe(BAD);
      oneNewPod(world);
      late(world);
      expect(world.pass()).toEqual(['update Deployment/auth']);
      expect(imageOf(world)).toBe('registry.test/fraiseql-auth:1.4.0');
      world.pods = [];
      world.rollOut();
      world.pass();
    }
    world.now += 40 * 60_000;
    world.pass();
    world.endCheck();
    world.pass();
    world.rollOut();
    world.pass();
    expect(imageOf(world)).toBe(BAD);
    expect(world.condition('Progressing')).toMatchObject({status: 'True', reason: 'RolledOut'});
    expect(world.deployment?.metadata.annotations).not.toHaveProperty('auth.fraiseql.dev/refused-template');
  });

  test.each([-1, 1])('rests as long where the clock was set by %d days meanwhile', (days) => {
    const world = takenBack();
    world.setClock(days * 86_400_000);
    expect(world.pass()).toEqual([]);
    expect(world.decide().requeueAfterMs).toBe(600_001);
    world.now += 599_999;
    expect(world.pass()).toEqual([]);
    world.now++;
    expect(short(world.pass())).toEqual(['create Job/auth-check']);
  });

  test.each<[string, (world: World) => void]>([
    ['paused', (world) => world.change({management: 'Paused'})],
    ['refused by the API server', (world) => void world.refuses.add('Deployment/auth')],
  ])('is not said to be undone while that is %s', (_, hold) => {
    const world = stuck(running());
    hold(world);
    world.pass();
    late(world);
    world.pass();
    expect(imageOf(world)).toBe(BAD);
    expect(world.condition('Progressing')).toMatchObject({status: 'False', reason: 'ContainerCrashing'});
    const failed = 'The roll-out failed and is yet to be undone: Pod auth-new crashes';
    expect(world.condition('Ready')?.message).toContain(failed);
    const told = JSON.stringify(world.status);
    world.now += 30_000;
    world.pass();
    expect(JSON.stringify(world.status)).toBe(told);
    expect(world.events.map(({reason}) => reason)).not.toContain('RolledBack');

    world.refuses.clear();
    world.change({management: 'Active'});
    world.pass();
    expect(imageOf(world)).toBe('registry.test/fraiseql-auth:1.4.0');
    expect(world.condition('Progressing')).toMatchObject({status: 'False', reason: 'RolledBack'});
    expect(world.decide().requeueAfterMs).toBe(10 * 60_000);
  });

  test('stays as it is where the spec says Hold', () => {
    const world = stuck(running({rollout: {onFailure: 'Hold'}}));
    late(world);
    expect(world.pass()).toEqual([]);
    expect(imageOf(world)).toBe(BAD);
    expect(world.condition('Progressing')).toMatchObject({status: 'False', reason: 'ContainerCrashing'});
    expect(world.condition('Available')?.status).toBe('True');
  });

  test('does not go back to what does not serve either', () => {
    const world = stuck(running());
    late(world);
    const live = world.deployment;
    const status = {...(live?.['status'] as object), readyReplicas: 0};
    world.children.set('Deployment/auth', {...(live ?? (undefined as never)), status});
    expect(world.pass()).toEqual([]);
    expect(imageOf(world)).toBe(BAD);
  });

  test('is left in favour of a new change, which is tried out beside it', () => {
    const world = stuck(running());
    world.change({image: undefined, tokens: {accessTTL: '30m'}});
    expect(short(world.pass())).toEqual(['create Job/auth-check']);
    world.endCheck();
    world.pods = [];
    expect(short(world.pass())).toContain('create Job/auth-migrate');
    world.completeJob();
    expect(short(world.pass())).toContain('update Deployment/auth');
    world.rollOut();
    world.pass();
    expect(world.condition('Ready')?.status).toBe('True');
  });
});
