import {describe, expect, test} from 'vitest';
import {BAD, begin, imageOf, late, NEXT, oneNewPod, refusal, running, short} from './proving.ts';
import type {World} from './world.ts';

/** The next change, which does not pass its check. */
function refuseNext(world: World): void {
  world.change({management: 'Active', image: BAD});
  world.pass();
  expect(imageOf(world)).toBe(NEXT);
  world.endCheck(refusal('ConfigurationInvalid', 'no'));
  world.pass();
}

describe('a change that is refused leaves what runs, which came to run everywhere', () => {
  test('while the operator was told to keep its hands off', () => {
    const world = begin(NEXT);
    world.change({management: 'Paused'});
    world.pass();
    world.rollOut();
    world.pass();
    expect(world.status?.version?.current).toBe('2.0.0');
    refuseNext(world);
    expect(imageOf(world)).toBe(NEXT);
    expect(world.ready).toMatch(/^ConfigurationInvalid: The change is not rolled out/);
    expect(world.pass()).toEqual([]);
  });

  test('while there was no operator', () => {
    const world = begin(NEXT);
    world.rollOut();
    world.restart();
    refuseNext(world);
    expect(imageOf(world)).toBe(NEXT);
    expect(world.pass()).toEqual([]);
  });

  test('only after it was refused', () => {
    const world = begin(NEXT);
    oneNewPod(world);
    refuseNext(world);
    expect(imageOf(world)).toBe(NEXT);
    // It is scaled and put right as ever.
    world.change({replicas: 5});
    expect(short(world.pass())).toContain('update Deployment/auth');
    expect(imageOf(world)).toBe(NEXT);
    world.pods = [];
    world.rollOut();
    world.pass();
    expect(imageOf(world)).toBe(NEXT);
    expect(world.pass()).toEqual([]);
  });

  test('but not where that fails itself', () => {
    const world = begin(NEXT);
    oneNewPod(world);
    refuseNext(world);
    late(world);
    world.pass();
    expect(imageOf(world)).toBe('registry.test/fraiseql-auth:1.4.0');
    expect(world.ready).toMatch(/^ConfigurationInvalid: The change is not rolled out/);
  });
});

describe('a change whose pods fail goes back to what ran everywhere last', () => {
  const fails = (world: World): void => {
    begin(BAD, world);
    oneNewPod(world);
    late(world);
    world.pass();
  };

  test('and nobody had seen that it did', () => {
    const world = begin(NEXT);
    world.change({management: 'Paused'});
    world.rollOut();
    world.pass();
    world.change({management: 'Active'});
    fails(world);
    expect(imageOf(world)).toBe(NEXT);
  });

  test('or to what ran before, where that never did', () => {
    const world = begin(NEXT);
    oneNewPod(world);
    fails(world);
    expect(imageOf(world)).toBe('registry.test/fraiseql-auth:1.4.0');
  });

  test('and not to what ran before, where it is not known what did', () => {
    const world = begin(NEXT);
    world.rollOut();
    const live = world.deployment;
    if (live === undefined) throw new Error('there is no Deployment');
    // As one was left by an operator that did not note it.
    const {'auth.fraiseql.dev/given-template': _, ...annotations} = live.metadata.annotations ?? {};
    world.children.set('Deployment/auth', {...live, metadata: {...live.metadata, annotations}});
    fails(world);
    expect(imageOf(world)).toBe(BAD);
    expect(world.condition('Available')?.status).toBe('True');
  });
});

test('what is rolled out is noted, and its pods have to stay ready for a while, until it runs everywhere', () => {
  const notes = (world: World): string[] => Object.keys(world.deployment?.metadata.annotations ?? {}).sort();
  const seconds = (world: World): unknown =>
    (world.deployment?.spec as {minReadySeconds?: number} | undefined)?.minReadySeconds;
  const [given, proven, template] = ['given-template', 'proven-template', 'template'].map(
    (name) => `auth.fraiseql.dev/${name}`,
  );
  const world = running();
  expect(notes(world)).toEqual([proven, template]);
  expect(seconds(world)).toBeUndefined();
  begin(NEXT, world);
  expect(notes(world)).toEqual([given, proven, template]);
  expect(seconds(world)).toBe(10);
  world.rollOut();
  world.pass();
  expect(notes(world)).toEqual([proven, template]);
  expect(seconds(world)).toBeUndefined();
});
