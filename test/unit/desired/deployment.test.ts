import {describe, expect, test} from 'vitest';
import {RESERVED_VARIABLE} from '../../../src/api/v1alpha1/reserved-variables.ts';
import {instance} from '../../fixtures/desired.ts';
import {developmentSpec, fullSpec, productionSpec} from '../../fixtures/specs.ts';
import {deployed, env, INPUTS, podTemplate} from './manifest.ts';

describe('the Deployment', () => {
  test('says nothing of replicas where an autoscaler does', () => {
    expect(deployed(instance(productionSpec()))['spec']).not.toHaveProperty('replicas');
    expect(deployed(instance(productionSpec({replicas: 0})))['spec']).toMatchObject({replicas: 0});
  });

  test('keeps the old pods until the new ones serve', () => {
    expect(deployed(instance(productionSpec()))['spec']).toMatchObject({
      strategy: {type: 'RollingUpdate', rollingUpdate: {maxUnavailable: 0, maxSurge: 1}},
      progressDeadlineSeconds: 300,
    });
  });

  test('is alive without its database and ready only with it', () => {
    const [container] = podTemplate(deployed(instance(developmentSpec()))).spec.containers;
    expect(container).toMatchObject({
      livenessProbe: {httpGet: {path: '/health/live'}},
      startupProbe: {httpGet: {path: '/health/live'}},
      readinessProbe: {httpGet: {path: '/health/auth'}},
    });
  });

  test('rolls when a Secret or the configuration changed, and only then', () => {
    const one = deployed(instance(fullSpec()));
    expect(podTemplate(deployed(instance(fullSpec()), {...INPUTS, secretHash: 'x'}))).not.toEqual(
      podTemplate(one),
    );
    const moved = {...INPUTS, configMapName: 'auth-config-76543210'};
    expect(podTemplate(deployed(instance(fullSpec()), moved))).not.toEqual(podTemplate(one));
    const scaled = {...fullSpec(), autoscaling: {minReplicas: 3, maxReplicas: 9}};
    expect(podTemplate(deployed(instance(scaled)))).toEqual(podTemplate(one));
  });

  test('speaks https with a certificate, and is asked so, on a port of that name', () => {
    const shape = (spec: Record<string, unknown>) => {
      const {containers, volumes} = podTemplate(deployed(instance(spec))).spec;
      return {container: containers[0], volumes};
    };
    const encrypted = shape(fullSpec());
    const httpGet = {port: 'https', scheme: 'HTTPS'};
    expect(encrypted.container).toMatchObject({
      ports: [{name: 'https', containerPort: 8000}],
      startupProbe: {httpGet},
      livenessProbe: {httpGet},
      readinessProbe: {httpGet},
    });
    expect(env(deployed(instance(fullSpec())))).toMatchObject({
      TLS_CERT_PATH: '/etc/fraiseql-auth/tls/tls.crt',
      TLS_KEY_PATH: '/etc/fraiseql-auth/tls/tls.key',
    });
    // All of the Secret, and no path within: that alone the kubelet keeps up to date.
    expect(encrypted.volumes).toContainEqual({
      name: 'tls',
      secret: {secretName: 'auth-tls', defaultMode: 0o440},
    });
    expect(encrypted.container?.volumeMounts).toContainEqual({
      name: 'tls',
      mountPath: '/etc/fraiseql-auth/tls',
      readOnly: true,
    });
    const plain = shape(developmentSpec());
    expect(plain.container).toMatchObject({
      ports: [{name: 'http', containerPort: 8000}],
      readinessProbe: {httpGet: {port: 'http', scheme: 'HTTP'}},
    });
    expect(JSON.stringify(plain)).not.toMatch(/TLS_|"tls"/);
  });

  test('tells the server what the spec says, in its units', () => {
    expect(env(deployed(instance(fullSpec())))).toMatchObject({
      OAUTH_REDIRECT_URI: 'https://api.example.com/auth/callback',
      JWT_ISSUER: 'https://api.example.com',
      JWKS_MAX_AGE: '90',
      JWT_AUDIENCE: 'fraiseql-api,other',
      SESSION_TIMEOUT_MINUTES: '90',
      REFRESH_TOKEN_TTL: '604800',
      REFRESH_IDLE_TTL: '86400',
      REFRESH_REPLAY_WINDOW: '30',
      DATABASE_CA_FILE: '/etc/fraiseql-auth/database-ca/ca.crt',
      DATABASE_POOL_SIZE: '20',
      DATABASE_MAX_LIFETIME: '3600',
      RETURN_TO_ORIGINS: 'https://app.example.com,https://admin.example.com',
      TRUSTED_PROXIES: '10.0.0.0/8,::1',
      REDIS_URL_FILE: '/etc/fraiseql-auth/redis/url',
      REDIS_CA_FILE: '/etc/fraiseql-auth/redis-ca/ca.crt',
      SESSION_CACHE_TTL: '90',
      INTROSPECTION_CLIENT_ID_FILE: '/etc/fraiseql-auth/introspection/client-id',
      INTROSPECTION_CLIENT_SECRET_FILE: '/etc/fraiseql-auth/introspection/client-secret',
    });
    const plain = env(deployed(instance(developmentSpec())));
    for (const name of [
      'JWT_AUDIENCE',
      'REDIS_URL_FILE',
      'REDIS_CA_FILE',
      'DATABASE_CA_FILE',
      'SESSION_CACHE_TTL',
      'RATE_LIMITS',
      'INTROSPECTION_CLIENT_ID_FILE',
    ])
      expect(plain).not.toHaveProperty(name);
    const lifted = instance(developmentSpec({rateLimits: {policy: 'None'}}));
    expect(env(deployed(lifted))).toMatchObject({RATE_LIMITS: 'Off'});
  });

  test('each variable is one that pod.extraEnv cannot set as well', () => {
    const {pod: _, ...spec} = fullSpec();
    const names = Object.keys(env(deployed(instance(spec))));
    expect(names.length).toBeGreaterThan(20);
    expect(names.filter((name) => !RESERVED_VARIABLE.test(name))).toEqual([]);
  });

  test('holds no secret in its environment', () => {
    const names = Object.keys(env(deployed(instance(fullSpec()))));
    expect(
      names.filter((name) => /^(DATABASE_URL|REDIS_URL|STATE_KEY|.*_CLIENT_SECRET)$/.test(name)),
    ).toEqual([]);
  });
});
