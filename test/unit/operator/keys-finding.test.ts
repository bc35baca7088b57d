import {expect, test} from 'vitest';
import {statusSchema} from '../../../src/api/v1alpha1/status.ts';
import type {Decision} from '../../../src/operator/decide/decision.ts';
import {ROTATE} from '../../../src/operator/decide/key-finding.ts';
import {LATE_MS} from '../../../src/operator/decide/key-due.ts';
import {keysFinding} from '../../../src/operator/status/keys.ts';
import {World} from './world.ts';

/** What is decided long after a rotation began in which no pod was heard. */
function silent(): Decision {
  const world = new World().settle();
  const live = world.deployment;
  if (live === undefined) throw new Error('there is no Deployment');
  const containerStatuses = [{name: 'server', ready: true, state: {running: {}}}];
  world.pods = [world.pod('auth-1', live, {phase: 'Running', containerStatuses})];
  world.annotations[ROTATE] = 'now';
  world.pass();
  world.now += LATE_MS + 60_000;
  return world.decide();
}

test('pods that cannot be asked are told from those that lack a key', () => {
  const decision = silent();
  const {message, reason} = keysFinding(decision, [], true);
  expect(reason).toBe('KeyNotServed');
  expect(message).toMatch(
    /waits: pod auth-1 could not be asked at port 8000 \(does a NetworkPolicy stand between the operator and the pods\?\)\. Key/,
  );
  const {keys} = decision;
  if (keys?.rotation.waiting === undefined) throw new Error('nobody is waited for');
  const waiting = {...keys.rotation.waiting, pods: ['auth-1', 'auth-2']};
  const both = keysFinding({...decision, keys: {...keys, rotation: {...keys.rotation, waiting}}}, [], true);
  expect(both.message).toMatch(
    /pod auth-2 does not serve key \S+ yet \(check the logs.*; pod auth-1 could not/,
  );
});

test('a rotation that waits for a key to go is told', () => {
  const world = new World().settle();
  world.annotations[ROTATE] = 'now';
  world.pass();
  const decision = world.decide();
  const {keys} = decision;
  if (keys === undefined) throw new Error('there are no keys');
  const full = (is: boolean) =>
    keysFinding({...decision, keys: {...keys, rotation: {...keys.rotation, full: is}}}, [], true).message;
  expect(full(true)).toContain('the next key waits until one of them has gone, for there are 8 at most');
  expect(full(false)).not.toContain('at most');
});

test('a key of one’s own with the longest name that a Secret can hold is told', () => {
  const world = new World().settle();
  const kid = 'k'.repeat(253 - '.pem'.length);
  world.signingKeys = [...(world.signingKeys ?? []), {kid, algorithm: 'RS256'}];
  world.pass();
  expect(world.status?.signingKeys).toContainEqual(expect.objectContaining({kid}));
  expect(() => statusSchema.parse(world.status)).not.toThrow();
});
