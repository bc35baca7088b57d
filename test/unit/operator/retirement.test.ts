import {expect, test} from 'vitest';
import {RETIRE} from '../../../src/operator/decide/key-finding.ts';
import {computeStatus} from '../../../src/operator/status/status.ts';
import {running, type World} from './world.ts';

const signer = (world: World): string => world.status?.signingKeys?.[0]?.kid ?? '';
const says = (world: World): string | undefined => world.condition('KeysHealthy')?.message;

test('a removal that waits for approval is planned, and all is told as it is until then', () => {
  const world = running();
  const keys = world.status?.signingKeys;
  const kid = signer(world);
  world.change({management: 'Plan'});
  world.annotations[RETIRE] = kid;
  const decision = world.decide();
  expect(decision.keys?.step?.rotation.drop).toEqual([kid]);
  expect(decision.keys?.step?.rotation.mint).toBeDefined();
  const {resource, observed, settings, now} = world;
  const {schemaVersion} = settings;
  world.status = computeStatus({resource, decision, observed, refused: [], schemaVersion, now});
  expect(world.status.signingKeys).toEqual(keys);
  expect(world.condition('KeysHealthy')).toMatchObject({status: 'True', reason: 'Healthy'});
  expect(says(world)).toContain(`${kid} is taken away once the plan is approved`);
  expect(world.condition('SchemaCurrent')).toMatchObject({status: 'True', reason: 'Current'});
  // As if it were let through.
  world.pass();
  expect(world.status.signingKeys?.map((each) => each.kid)).not.toContain(kid);
  expect(world.status.signingKeys).toHaveLength(1);
  expect(says(world)).not.toMatch(/taken away|not among/);
});

test('a kid that is none of the keys is told, with those that there are, and once by an event', () => {
  const world = running();
  const kid = signer(world);
  world.events = [];
  world.annotations[RETIRE] = 'typo';
  world.pass();
  world.pass();
  expect(world.condition('KeysHealthy')).toMatchObject({status: 'True', reason: 'RetirementIgnored'});
  expect(says(world)).toContain(
    `the annotation auth.fraiseql.dev/retire-signing-key names typo, which is not among the keys: ${kid}`,
  );
  expect(world.condition('Ready')?.status).toBe('True');
  expect(world.events).toMatchObject([{type: 'Warning', reason: 'RetirementIgnored'}]);
});

test('nothing is said of a key that is gone because it was taken away', () => {
  const world = running();
  const kid = signer(world);
  world.annotations[RETIRE] = kid;
  world.pass();
  expect(signer(world)).not.toBe(kid);
  world.restart();
  world.pass();
  expect(world.condition('KeysHealthy')?.reason).toBe('Healthy');
  expect(says(world)).not.toMatch(/taken away|not among/);
});

test('what is held back is told with its cause', () => {
  for (const [spec, why] of [
    [{management: 'Paused'}, 'spec.management is Paused'],
    [{runState: 'Hibernated'}, 'spec.runState is Hibernated'],
    [{management: 'Plan', runState: 'Hibernated'}, 'spec.runState is Hibernated'],
  ] as const) {
    const world = running();
    const kid = signer(world);
    world.change(spec);
    world.annotations[RETIRE] = kid;
    world.pass();
    expect(signer(world)).toBe(kid);
    expect(says(world)).toContain(`${kid} is not taken away while ${why}`);
  }
});
