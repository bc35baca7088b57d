import {array, assert, constantFrom, property, record} from 'fast-check';
import {describe, expect, test} from 'vitest';
import {developmentSpec, productionSpec, provider} from '../../fixtures/specs.ts';
import {outcome} from './objects.ts';
import {World} from './world.ts';

// Wherever a resource comes from, it ends as a fresh one of the same spec.

const spec = record({
  base: constantFrom(developmentSpec, productionSpec),
  algorithm: constantFrom('RS256', 'ES256', 'EdDSA'),
  accessTTL: constantFrom('15m', '1h', '2h'),
  scaling: constantFrom({}, {replicas: 1}, {replicas: 4}, {autoscaling: {minReplicas: 2, maxReplicas: 5}}),
  backup: constantFrom(
    {policy: 'None'},
    {destination: {pvc: {claimName: 'backups'}}},
    {schedule: '@hourly', destination: {s3: {bucket: 'backups'}}},
  ),
  image: constantFrom(undefined, 'registry.test/other:2.0.0'),
  providers: constantFrom([provider()], [provider(), provider({name: 'second', type: 'OIDC'})]),
  database: constantFrom({urlSecretRef: {name: 'auth-db'}}, {urlSecretRef: {name: 'auth-db'}, poolSize: 5}),
}).map(({base, algorithm, accessTTL, scaling, image, ...rest}) =>
  base({
    ...rest,
    ...scaling,
    tokens: {algorithm, accessTTL},
    ...(image !== undefined && {image}),
    // From one base to the other the public URL moves.
    previousIssuers: ['http://localhost:8000', 'https://api.example.com'],
  }),
);

type Trouble = (world: World) => void;
const troubles: Record<string, Trouble> = {
  nothing: () => undefined,
  secretGone: (world) => world.secret('auth-db', undefined),
  keyGone: (world) => world.secret('keycloak-client', {}),
  otherDatabase: (world) => world.secret('auth-db', {'database-url': 'postgres://other/x'}),
  invalid: (world) => world.change({publicURL: 'nonsense'}),
  hostile: (world) =>
    world.change(JSON.parse('{"providers": {"__proto__": []}, "replicas": "many", "tokens": null}')),
  serviceDeleted: (world) => void world.children.delete('Service/auth'),
  deploymentDeleted: (world) => void world.children.delete('Deployment/auth'),
  configDeleted: (world) => {
    for (const key of world.children.keys()) if (key.startsWith('ConfigMap/')) world.children.delete(key);
  },
  statusLost: (world) => (world.status = undefined),
  migrationFails: (world) => {
    world.secret('auth-db', {'database-url': 'postgres://wrong/x'});
    world.pass();
    if (world.job !== undefined && world.job['status'] === undefined)
      world.failJob(outcome('DatabaseUnreachable', 'no'));
  },
};

const GOOD = {
  'auth-db': {'database-url': 'postgres://app:secret@db/auth'},
  'keycloak-client': {'client-id': 'auth', 'client-secret': 'hush'},
};

/** The last turns outlast every token of a key that no longer signs. */
const TURNS = 12;
const LONG_MS = 3 * 60 * 60_000;

function heal(world: World, target: Record<string, unknown>): void {
  for (const [name, values] of Object.entries(GOOD)) world.secret(name, values);
  world.spec = target;
  world.generation++;
  world.pods = [];
  for (let turn = 0; turn < TURNS; turn++) {
    world.now += turn < 6 ? 180_000 : LONG_MS;
    answerForKeys(world);
    world.pass();
    if (world.job !== undefined) world.completeJob();
    if (world.deployment !== undefined) world.rollOut();
  }
  world.pods = [];
  world.pass();
}

/** One pod stands for all of them: it serves the keys that there are. */
function answerForKeys(world: World): void {
  const {deployment, signingKeys = []} = world;
  if (deployment === undefined) return;
  const status = {phase: 'Running', containerStatuses: [{name: 'server', ready: true, state: {running: {}}}]};
  const pod = world.pod('auth-1', deployment, status);
  world.pods = [pod];
  world.keyAnswers.set(pod.metadata.uid ?? '', {
    kids: signingKeys.map(({kid}) => kid),
    signer: signingKeys.find((each) => 'signs' in each && each.signs)?.kid,
    maxAgeSeconds: 300,
    tokenTTLSeconds: 2 * 60 * 60,
  });
}

/** What was made, without what may well differ: counters, uids, times, and which key of an algorithm it is. */
function essence(world: World): unknown {
  const children = [...world.children]
    .map(([id, object]) => [id, object['desired']] as const)
    .filter(([id]) => !id.startsWith('Job/') && !id.startsWith('Secret/'))
    .sort(([a], [b]) => (a < b ? -1 : 1));
  const conditions = world.status?.conditions
    // No backup is ever made here, so this one is a matter of time.
    ?.filter(({type}) => type !== 'BackupHealthy')
    .map(({type, status, reason}) => `${type}=${status} ${reason}`);
  const keys = world.status?.signingKeys?.map(({kid, state}) => `${kid.split('-')[1]} ${state}`);
  return JSON.parse(
    JSON.stringify({children, conditions, keys})
      .replaceAll(world.uid, 'UID')
      .replaceAll(/auth-config-[0-9a-f]{8}/g, 'auth-config'),
  );
}

describe('convergence', () => {
  test('any spec, through any trouble, to any other ends as a fresh one of it; and then all is silent', () => {
    assert(
      property(
        spec,
        spec,
        array(constantFrom(...Object.keys(troubles)), {maxLength: 4}),
        (from, to, names) => {
          const fresh = new World(to);
          heal(fresh, to);
          const world = new World(from);
          heal(world, from);
          const deployed = world.deployment;
          for (const name of names) {
            troubles[name]?.(world);
            world.pass();
            world.now += 5000;
            world.pass();
            // Whatever went wrong, what ran still runs, unless the trouble itself took it away.
            if (
              name !== 'deploymentDeleted' &&
              deployed !== undefined &&
              !names.includes('deploymentDeleted')
            ) {
              if (world.deployment === undefined) throw new Error(`${name} took the Deployment away`);
            }
          }
          heal(world, to);
          expect(essence(world)).toEqual(essence(fresh));
          expect(world.condition('Ready')).toMatchObject({status: 'True', reason: 'Ready'});
          expect(world.pass()).toEqual([]);
          const before = world.status;
          world.now += 1000;
          expect(world.pass()).toEqual([]);
          expect(world.status).toEqual(before);
        },
      ),
      {numRuns: 40},
    );
  });
});
