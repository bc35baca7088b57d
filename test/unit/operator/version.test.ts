import {describe, expect, test} from 'vitest';
import {BAD, begin, imageOf, late, NEXT, oneNewPod, refusal, running, stuck} from './proving.ts';
import {World} from './world.ts';

const versions = (world: World): unknown => world.status?.version;

describe('version.current is what ran everywhere last', () => {
  test('and not what is made, until that does', () => {
    const world = new World();
    world.pass();
    world.completeJob();
    world.pass();
    expect(versions(world)).toEqual({target: '1.4.0'});
    world.rollOut();
    world.pass();
    expect(versions(world)).toEqual({current: '1.4.0', target: '1.4.0'});
  });

  test('also where it came to do so while there was no operator, and the spec asks for another by now', () => {
    const world = begin(NEXT);
    world.rollOut();
    world.restart();
    world.change({image: BAD});
    world.pass();
    expect(versions(world)).toEqual({current: '2.0.0', target: 'bad'});
    world.endCheck(refusal('ConfigurationInvalid', 'no'));
    world.pass();
    expect(versions(world)).toEqual({current: '2.0.0', target: 'bad'});
  });

  test('also where the next one is on its way before that was ever told', () => {
    const world = begin(NEXT);
    world.rollOut();
    const before = world.status;
    world.change({image: BAD, rollout: {check: 'Never'}});
    world.pass();
    world.completeJob();
    world.pass();
    expect(imageOf(world)).toBe(BAD);
    world.status = before;
    oneNewPod(world);
    expect(versions(world)).toEqual({current: '2.0.0', target: 'bad'});
    late(world);
    world.pass();
    expect(versions(world)).toEqual({current: '2.0.0', target: 'bad'});
    world.pods = [];
    world.rollOut();
    world.pass();
    expect(versions(world)).toEqual({current: '2.0.0', target: 'bad'});
  });

  test.each(['Paused', 'Active'])('and stays so whatever becomes of its pods: %s', (management) => {
    const world = begin(NEXT);
    world.change({management, image: BAD});
    world.rollOut();
    world.pass();
    expect(versions(world)).toEqual({current: '2.0.0', target: 'bad'});
    // Two of three are gone for a while.
    const live = world.deployment;
    if (live === undefined) throw new Error('there is no Deployment');
    const status = {...(live['status'] as object), readyReplicas: 1, availableReplicas: 1};
    world.children.set('Deployment/auth', {...live, status});
    world.pass();
    expect(versions(world)).toEqual({current: '2.0.0', target: 'bad'});
    world.rollOut();
    world.pass();
    expect(versions(world)).toEqual({current: '2.0.0', target: 'bad'});
  });

  test('also while the spec is not valid', () => {
    const world = begin(NEXT);
    world.change({publicURL: 'nonsense'});
    world.rollOut();
    world.pass();
    expect(versions(world)).toEqual({current: '2.0.0', target: '2.0.0'});
  });

  test('and not what has no pods', () => {
    const world = stuck(running());
    world.change({replicas: 0});
    world.pass();
    world.pods = [];
    world.rollOut();
    world.pass();
    expect(versions(world)).toEqual({current: '1.4.0', target: 'bad'});
  });

  test('with the whole of its name, also where that is too long for a label', () => {
    const tag = `2.0.0-${'x'.repeat(80)}`;
    const world = begin(`registry.test/fraiseql-auth:${tag}`);
    world.rollOut();
    world.pass();
    expect(versions(world)).toEqual({current: tag, target: tag});
    world.change({image: BAD});
    world.pass();
    world.endCheck(refusal('ConfigurationInvalid', 'no'));
    world.pass();
    expect(versions(world)).toEqual({current: tag, target: 'bad'});
  });
});
