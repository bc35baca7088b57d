import {expect} from 'vitest';
import {developmentSpec} from '../../fixtures/specs.ts';
import {iso} from './objects.ts';
import {World} from './world.ts';

/** What was done, without hashes in names. */
export const short = (done: string[]): string[] => done.map((each) => each.replace(/-[0-9a-f]{8}$/, ''));
/** An image that does not work. */
export const BAD = 'registry.test/fraiseql-auth:bad';
/** One that does. */
export const NEXT = 'registry.test/fraiseql-auth:2.0.0';

/** The word of a Job that finds fault. */
export function refusal(reason: string, message: string, detail?: Record<string, unknown>): string {
  return JSON.stringify({
    ok: false,
    kind: 'check',
    reason,
    message,
    hint: 'do this',
    ...(detail && {detail}),
  });
}

/** Three pods that run, and changes that the test tries out itself. */
export function running(spec: Record<string, unknown> = {}): World {
  const world = new World(developmentSpec({replicas: 3, ...spec})).settle();
  world.checks = 'manual';
  return world;
}

/** A change that has passed its check and its migration, and whose roll-out begins. */
export function begin(image: string, world = running()): World {
  world.change({image});
  world.pass();
  world.endCheck();
  world.pass();
  world.completeJob();
  world.pass();
  expect(imageOf(world)).toBe(image);
  return world;
}

/** The change passes its check and its migration, and one new pod of it is there that does not become ready. */
export function stuck(world: World): World {
  begin(BAD, world);
  oneNewPod(world);
  return world;
}

/** Of the roll-out there is one new pod, which crashes, beside the old ones, which serve. */
export function oneNewPod(world: World): void {
  const live = world.deployment;
  if (live === undefined) throw new Error('there is no Deployment');
  const pod = world.pod('auth-new', live, {
    containerStatuses: [
      {
        name: 'server',
        state: {waiting: {reason: 'CrashLoopBackOff'}},
        lastState: {terminated: {exitCode: 7}},
      },
    ],
  });
  world.pods = [pod];
  world.children.set('Deployment/auth', {
    ...live,
    status: {observedGeneration: live.metadata.generation, replicas: 4, updatedReplicas: 1, readyReplicas: 3},
  });
  world.pass();
}

/** The Deployment controller's word that it has waited long enough. */
export function late(world: World): void {
  const live = world.deployment;
  if (live === undefined) throw new Error('there is no Deployment');
  const condition = {type: 'Progressing', status: 'False', reason: 'ProgressDeadlineExceeded'};
  world.children.set('Deployment/auth', {
    ...live,
    status: {...(live['status'] as object), conditions: [{...condition, lastTransitionTime: iso(world.now)}]},
  });
}

/** The image that the Deployment asks for. */
export const imageOf = (world: World): unknown =>
  (world.deployment as unknown as {spec: {template: {spec: {containers: {image: string}[]}}}}).spec.template
    .spec.containers[0]?.image;
