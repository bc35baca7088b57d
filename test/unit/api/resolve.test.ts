import * as fc from 'fast-check';
import {describe, expect, test} from 'vitest';
import {checkSpec} from '../../../src/api/v1alpha1/check.ts';
import type {FraiseQLAuthSpec} from '../../../src/api/v1alpha1/fraiseqlauth.ts';
import {quantityNanos} from '../../../src/api/v1alpha1/quantity.ts';
import {references} from '../../../src/api/v1alpha1/references.ts';
import {resolveSpec} from '../../../src/api/v1alpha1/resolve.ts';
import {specArbitrary} from '../../fixtures/spec-arbitraries.ts';
import {developmentSpec, fullSpec, productionSpec, resource} from '../../fixtures/specs.ts';

const resolve = (spec: unknown) => resolveSpec(spec as FraiseQLAuthSpec);

describe('resolveSpec', () => {
  test('Development is one small pod without backups', () => {
    expect(resolve(developmentSpec())).toMatchObject({
      scaling: {kind: 'Fixed', replicas: 1},
      resources: {requests: {cpu: '50m', memory: '128Mi'}, limits: {cpu: '500m', memory: '512Mi'}},
      backup: undefined,
      database: {poolSize: 8, urlSecretRef: {name: 'auth-db', key: 'database-url'}},
    });
  });

  test("Production has the guide's figures", () => {
    expect(resolve(productionSpec())).toMatchObject({
      scaling: {
        kind: 'Automatic',
        minReplicas: 3,
        maxReplicas: 10,
        targetCPUUtilization: 70,
        targetMemoryUtilization: 80,
      },
      resources: {requests: {cpu: '100m', memory: '256Mi'}, limits: {cpu: '500m', memory: '512Mi'}},
      backup: {schedule: '0 2 * * *', timeZone: 'Etc/UTC', retentionSeconds: 30 * 86_400, suspend: false},
      tokens: {
        algorithm: 'RS256',
        accessTTLSeconds: 3600,
        refreshTTLSeconds: 7 * 86_400,
        replayWindowSeconds: 30,
      },
      database: {maxLifetimeSeconds: 1800},
    });
  });

  test('the pool without a word fits the budget: 10 pods, one more while rolling out', () => {
    expect(resolve(productionSpec()).database.poolSize).toBe(8);
  });

  test('scaling changes nothing of the pods: the pool is the same for one and for ten, and fits the budget beyond', () => {
    const pool = (spec: Parameters<typeof developmentSpec>[0]) =>
      resolve(developmentSpec(spec)).database.poolSize;
    expect([0, 1, 3, 10].map((replicas) => pool({replicas}))).toEqual([8, 8, 8, 8]);
    expect(pool({replicas: 29})).toBe(3);
    const database = {urlSecretRef: {name: 'auth-db'}};
    expect(pool({database: {...database, connectionBudget: 300}})).toBe(20);
    expect(pool({replicas: 40, database: {...database, connectionBudget: 1000}})).toBe(20);
    expect(pool({database: {...database, connectionBudget: 5}})).toBe(2);
    expect(pool({database: {...database, connectionBudget: 4}})).toBe(2);
    expect(pool({replicas: 44})).toBe(2);
    expect(pool({replicas: 3, database: {...database, poolSize: 20}})).toBe(20);
  });

  test('a session that nobody uses ends after three days, or with its time', () => {
    const idle = (tokens?: object) => resolve(developmentSpec({tokens})).tokens.idleTTLSeconds;
    expect(idle()).toBe(3 * 86_400);
    expect(idle({refreshTTL: '24h'})).toBe(86_400);
    expect(idle({idleTTL: '2h'})).toBe(7200);
  });

  test('a fixed number of pods takes the place of the autoscaler', () => {
    expect(resolve(productionSpec({replicas: 4})).scaling).toEqual({kind: 'Fixed', replicas: 4});
    expect(resolve(developmentSpec({autoscaling: {}})).scaling).toMatchObject({
      kind: 'Automatic',
      maxReplicas: 10,
    });
  });

  test.each([
    [
      {limits: {memory: '64Mi'}},
      {requests: {cpu: '50m', memory: '64Mi'}, limits: {cpu: '500m', memory: '64Mi'}},
    ],
    [{requests: {cpu: 2}}, {requests: {cpu: '2', memory: '128Mi'}, limits: {cpu: '2', memory: '512Mi'}}],
    [
      {limits: {cpu: '0.25'}},
      {requests: {cpu: '50m', memory: '128Mi'}, limits: {cpu: '250m', memory: '512Mi'}},
    ],
  ])('%j keeps what it does not name, and no default contradicts it', (resources, expected) => {
    expect(resolve(developmentSpec({resources})).resources).toEqual(expected);
  });

  test('policy None means no backups', () => {
    expect(resolve(productionSpec({backup: {policy: 'None'}})).backup).toBeUndefined();
  });

  test('path style is for servers other than AWS', () => {
    const style = (s3: object) =>
      resolve(developmentSpec({backup: {destination: {s3: {bucket: 'abc', ...s3}}}})).backup?.destination;
    expect(style({})).toMatchObject({forcePathStyle: false});
    expect(style({endpoint: 'http://s3:9000'})).toMatchObject({forcePathStyle: true});
    expect(style({endpoint: 'http://s3:9000', forcePathStyle: false})).toMatchObject({forcePathStyle: false});
  });

  test('refuses what is not valid', () => {
    expect(() => resolve(developmentSpec({replicas: -1}))).toThrow('replicas');
  });

  test('of every valid spec the connections fit the budget and the requests fit the limits', () => {
    let valid = 0;
    fc.assert(
      fc.property(specArbitrary, (spec: Record<string, unknown>) => {
        fc.pre(checkSpec(resource(spec)).length === 0);
        valid += 1;
        const resolved = resolve(spec);
        const budget = (spec['database'] as {connectionBudget?: number}).connectionBudget ?? 90;
        const {scaling} = resolved;
        const pods = scaling.kind === 'Fixed' ? scaling.replicas : scaling.maxReplicas;
        expect(resolved.database.poolSize).toBeGreaterThan(0);
        // The server takes a pool of 1 as 2.
        expect((pods + 1) * Math.max(2, resolved.database.poolSize)).toBeLessThanOrEqual(budget);
        for (const name of ['cpu', 'memory'] as const) {
          const [low, high] = [resolved.resources.requests[name], resolved.resources.limits[name]].map(
            quantityNanos,
          );
          expect(low).toBeLessThanOrEqual(high ?? -1n);
        }
        // The API server has put the defaults in: that changes nothing.
        expect(resolve(structuredClone(spec))).toEqual(resolved);
      }),
      {numRuns: 200},
    );
    expect(valid).toBeGreaterThan(100);
  });
});

test('references name every object and the field that needs it', () => {
  const found = references(resolve(fullSpec()));
  expect(
    found.map(({kind, name, keys, field, neededBy}) => [kind, name, keys.join(), field, neededBy]),
  ).toEqual([
    [
      'Secret',
      'keycloak-client',
      'client-id,client-secret',
      'spec.providers[0].clientCredentialsSecretRef',
      'server',
    ],
    [
      'Secret',
      'google-oauth',
      'client-id,client-secret',
      'spec.providers[1].clientCredentialsSecretRef',
      'server',
    ],
    ...['github-oauth', 'azure-oauth', 'keycloak-client'].map((name, index) => [
      'Secret',
      name,
      'client-id,client-secret',
      `spec.providers[${index + 2}].clientCredentialsSecretRef`,
      'server',
    ]),
    [
      'Secret',
      'gateway',
      'client-id,client-secret',
      'spec.introspection.clientCredentialsSecretRef',
      'server',
    ],
    ['Secret', 'auth-db', 'url', 'spec.database.urlSecretRef', 'both'],
    ['Secret', 'database-ca', 'root.pem', 'spec.database.caSecretRef', 'both'],
    ['Secret', 'auth-redis', 'url', 'spec.cache.redisURLSecretRef', 'server'],
    ['Secret', 'redis-ca', 'ca.crt', 'spec.cache.caSecretRef', 'server'],
    ['Secret', 'auth-tls', 'tls.crt,tls.key', 'spec.tls.inPod.certificateSecretRef', 'server'],
    ['Secret', 'more', 'value', 'spec.pod.extraEnv[2].valueFrom', 'both'],
    ['Secret', 'registry', '', 'spec.imagePullSecrets[0]', 'both'],
    [
      'Secret',
      's3',
      'access-key-id,secret-access-key',
      'spec.backup.destination.s3.credentialsSecretRef',
      'backup',
    ],
  ]);
  expect(references(resolve(productionSpec())).at(-1)).toMatchObject({
    kind: 'PersistentVolumeClaim',
    name: 'backups',
    neededBy: 'backup',
  });
});
