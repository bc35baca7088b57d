import {expect} from 'vitest';
import type {HealthReport} from '../../../src/operator/observed.ts';
import {developmentSpec} from '../../fixtures/specs.ts';
import {iso, outcome} from './objects.ts';
import {running, World} from './world.ts';

const health = (over: Partial<HealthReport>): HealthReport => ({
  auth: 'healthy',
  oauthProvider: 'ok',
  db: 'ok',
  errors: [],
  checkedAt: '2026-11-23T12:00:00Z',
  sinceMs: 0,
  ...over,
});

/** New pods of a roll-out that do not start, beside an old one that serves. */
function rollingOut(container: Record<string, unknown>, more: Record<string, unknown> = {}): World {
  const world = running();
  world.change({logging: {level: 'debug'}});
  world.pass();
  const live = world.deployment;
  if (live === undefined) throw new Error('no Deployment');
  const status = {
    observedGeneration: live.metadata.generation,
    replicas: 4,
    updatedReplicas: 1,
    readyReplicas: 3,
    availableReplicas: 3,
  };
  world.children.set('Deployment/auth', {...live, status});
  world.pods = [
    world.pod('auth-new-1', live, {containerStatuses: [{name: 'server', ...container}], ...more}),
  ];
  world.pass();
  return world;
}

/** What a person reads in the column Reason and in the message of Ready. */
export const SITUATIONS: readonly [string, () => World, string | RegExp][] = [
  ['it serves', running, 'Ready: Version 1.4.0 serves with 3 of 3 pods ready'],
  [
    'a migration runs for the first time',
    () => {
      const world = new World();
      world.pass();
      return world;
    },
    /^Migrating: Migration Job auth-migrate-[0-9a-f]{8} is bringing the database's schema up to date; the new version rolls out once it has succeeded\.$/,
  ],
  [
    'a change rolls out',
    () => rollingOut({state: {waiting: {reason: 'ContainerCreating'}}}, {startTime: iso(0)}),
    /^PodPending: Pod auth-new-1 has been pending for more than a minute\. See its events: kubectl describe pod auth-new-1 -n prod\. The previous version keeps serving \(3 ready\)\.$/,
  ],
  [
    'an invalid spec on what runs',
    () => {
      const world = running();
      world.change({publicURL: 'https://api.example.com/auth'});
      world.pass();
      return world;
    },
    /^SpecInvalid: The spec is not valid: spec\.publicURL: must be the scheme and host .*for example https:\/\/api\.example\.com\. What runs keeps serving \(3 of 3 pods ready\)\.$/,
  ],
  [
    'a public URL that moves with no word of the old one, past an older resource definition',
    () => {
      const world = running();
      world.change({publicURL: 'https://new.example.com'});
      world.pass();
      return world;
    },
    /^SpecInvalid: The spec is not valid: spec\.publicURL: .*: add \S+ to spec\.previousIssuers, or write it here again\. What runs keeps serving \(3 of 3 pods ready\)\.$/,
  ],
  [
    'a Secret that is missing',
    () => {
      const world = new World();
      world.secret('auth-db', undefined);
      world.pass();
      return world;
    },
    "SecretNotFound: Secret auth-db does not exist in namespace prod; spec.database.urlSecretRef names it. Create it: kubectl create secret generic auth-db -n prod --from-literal=database-url='postgres://USER:PASSWORD@HOST:5432/DATABASE'.",
  ],
  [
    'a key that is missing',
    () => {
      const world = new World();
      world.secret('auth-db', {url: 'postgres://x'});
      world.pass();
      return world;
    },
    /^SecretKeyNotFound: Secret auth-db has no key "database-url"; it has: url\. Add the key, or name one of these in spec\.database\.urlSecretRef\.key: kubectl patch secret auth-db -n prod /,
  ],
  [
    'a Redis whose Secret is missing',
    () => {
      const world = running();
      world.change({cache: {redisURLSecretRef: {name: 'auth-redis'}}});
      world.pass();
      return world;
    },
    /^SecretNotFound: Secret auth-redis does not exist in namespace prod; spec\.cache\.redisURLSecretRef names it\. Create it: kubectl create secret generic auth-redis -n prod --from-literal=redis-url='redis:\/\/:PASSWORD@HOST:6379'\. What runs keeps serving \(3 of 3 pods ready\)\.$/,
  ],
  [
    'two Secrets that are missing while it runs',
    () => {
      const world = running();
      world.secret('auth-db', undefined);
      world.secret('keycloak-client', undefined);
      world.pass();
      return world;
    },
    /^SecretNotFound: Secret keycloak-client does not exist .* What runs keeps serving \(3 of 3 pods ready\)\. 1 more in status\.blockedOn\.$/,
  ],
  [
    'a migration that meets no database',
    () => {
      const world = new World();
      world.pass();
      world.failJob(
        outcome('DatabaseUnreachable', 'db.prod.svc:5432 does not answer', 'Check that the database runs.'),
      );
      world.pass();
      return world;
    },
    'DatabaseUnreachable: db.prod.svc:5432 does not answer (Secret auth-db, key "database-url"). Check that the database runs.',
  ],
  [
    'a migration that fails',
    () => {
      const world = new World();
      world.pass();
      world.failJob(
        outcome('MigrationFailed', '0003_refresh_history: syntax error', 'Restore, then try again.'),
      );
      world.pass();
      return world;
    },
    'MigrationFailed: 0003_refresh_history: syntax error. Restore, then try again.',
  ],
  [
    'a migration that gives way to a lock',
    () => {
      const world = new World();
      world.pass();
      world.failJob(outcome('TableLocked', 'process 7 holds a table', 'It is tried again.'));
      world.pass();
      expect(world.condition('DatabaseReachable')?.status).not.toBe('False');
      expect(world.condition('SchemaCurrent')).toMatchObject({status: 'False', reason: 'TableLocked'});
      return world;
    },
    'TableLocked: process 7 holds a table. It is tried again.',
  ],
  [
    'a migration that crashes without a word of its own',
    () => {
      const world = new World();
      world.pass();
      world.failJob(
        'Error: boom\n  at x\n{"level":"fatal","msg":"cannot go on","err":{"message":"postgres://u:p@h is odd"}}\n',
      );
      world.pass();
      return world;
    },
    /^MigrationFailed: Migration Job auth-migrate-\w+ failed: cannot go on: postgres:\/\/\[redacted\]@h is odd\. See: kubectl logs job\/auth-migrate-\w+ -n prod\.$/,
  ],
  [
    'a migration that takes too long',
    () => {
      const world = new World();
      world.pass();
      world.failJob('', 'DeadlineExceeded');
      world.pass();
      return world;
    },
    /^MigrationTimedOut: Migration Job auth-migrate-\w+ did not end within spec\.migrations\.timeout\. Raise spec\.migrations\.timeout, /,
  ],
  [
    'an image that cannot be pulled',
    () =>
      rollingOut({
        state: {
          waiting: {
            reason: 'ImagePullBackOff',
            message: 'Back-off pulling image "registry.test/fraiseql-auth:9.9.9"',
          },
        },
      }),
    'ImagePullFailed: Pod auth-new-1 cannot pull image registry.test/fraiseql-auth:9.9.9: ImagePullBackOff: Back-off pulling image "registry.test/fraiseql-auth:9.9.9". Check the name and tag in spec.image, that the registry is reachable from the nodes, and spec.imagePullSecrets. The previous version keeps serving (3 ready).',
  ],
  [
    'a pod that crashes',
    () =>
      rollingOut({
        restartCount: 3,
        state: {waiting: {reason: 'CrashLoopBackOff', message: 'back-off 40s'}},
        lastState: {
          terminated: {
            exitCode: 2,
            reason: 'Error',
            message: '{"level":"fatal","msg":"DATABASE_URL_FILE: not a URL"}\n',
          },
        },
      }),
    'ContainerCrashing: Pod auth-new-1 crashes with exit code 2, CrashLoopBackOff; its last log line: DATABASE_URL_FILE: not a URL. See: kubectl logs auth-new-1 -n prod --previous. The previous version keeps serving (3 ready).',
  ],
  [
    'a pod that runs out of memory',
    () =>
      rollingOut({
        state: {waiting: {reason: 'CrashLoopBackOff'}},
        lastState: {terminated: {exitCode: 137, reason: 'OOMKilled'}},
      }),
    /^ContainerCrashing: Pod auth-new-1 crashes with exit code 137 \(OOMKilled: out of memory\), CrashLoopBackOff\. Raise spec\.resources\.limits\.memory\./,
  ],
  [
    'a pod whose configuration is missing',
    () =>
      rollingOut({state: {waiting: {reason: 'CreateContainerConfigError', message: 'secret "x" not found'}}}),
    /^ContainerConfigInvalid: Pod auth-new-1 cannot start: CreateContainerConfigError: secret "x" not found\. Create what is missing\./,
  ],
  [
    'a pod for which there is no room',
    () =>
      rollingOut(
        {},
        {
          containerStatuses: [],
          conditions: [
            {
              type: 'PodScheduled',
              status: 'False',
              reason: 'Unschedulable',
              message: '0/1 nodes are available: 1 Insufficient memory.',
            },
          ],
        },
      ),
    'Unschedulable: Pod auth-new-1 cannot be scheduled: 0/1 nodes are available: 1 Insufficient memory. Make room on the nodes, lower spec.resources, or change spec.pod.nodeSelector, tolerations or affinity. The previous version keeps serving (3 ready).',
  ],
  [
    'the database away while it runs',
    () => {
      const world = running();
      world.health = health({
        auth: 'unhealthy',
        db: 'error',
        errors: [{dependency: 'database', reason: 'unreachable'}],
      });
      world.pass();
      return world;
    },
    /^DatabaseUnreachable: The database that Secret auth-db \(key "database-url"\) names cannot be reached \(unreachable\)\. Check that the database runs/,
  ],
  [
    'a wrong password while it runs',
    () => {
      const world = running();
      world.health = health({
        auth: 'unhealthy',
        db: 'error',
        errors: [{dependency: 'database', reason: 'authentication_failed'}],
      });
      world.pass();
      return world;
    },
    /^DatabaseAuthenticationFailed: The database refuses the user or password in Secret auth-db \(key "database-url"\)\. Correct them in Secret auth-db/,
  ],
  [
    'a provider that is away',
    () => {
      const world = running();
      world.health = health({
        auth: 'degraded',
        oauthProvider: 'error',
        errors: [{dependency: 'provider:keycloak', reason: 'timeout'}],
      });
      world.pass();
      return world;
    },
    'ProviderUnreachable: Provider keycloak (https://id.example.com/realms/staff) does not answer (timeout). Check that it runs and is reachable from the pods. Existing sessions keep working; new logins through it fail until it is back. What runs keeps serving (3 of 3 pods ready).',
  ],
  [
    'a provider that refuses us',
    () => {
      const world = running();
      world.health = health({
        auth: 'degraded',
        oauthProvider: 'error',
        errors: [{dependency: 'provider:keycloak', reason: 'authentication_failed'}],
      });
      world.pass();
      return world;
    },
    /^ProviderInvalid: Provider keycloak \(.*\) refuses the client id or secret\. Correct client-id and client-secret in Secret keycloak-client\./,
  ],
  [
    "somebody else's object in the way",
    () => {
      const world = running();
      world.refused = [
        {
          reason: 'ObjectNotOurs',
          message: 'Service prod/auth exists and is not ours',
          hint: 'Delete or rename Service auth',
          objectRef: {kind: 'Service', name: 'auth'},
        },
      ];
      world.pass();
      return world;
    },
    'ObjectNotOurs: Service prod/auth exists and is not ours. Delete or rename Service auth. What runs keeps serving (3 of 3 pods ready).',
  ],
  [
    'no pods wanted',
    () => new World(developmentSpec({replicas: 0})).settle(),
    'ScaledToZero: spec.replicas is 0, so no pods run. Set it to 1 or more.',
  ],
];
