import * as fc from 'fast-check';
import {describe, expect, test} from 'vitest';
import {parse} from 'yaml';
import {checkSpec} from '../../../src/api/v1alpha1/check.ts';
import {RESERVED_VARIABLE} from '../../../src/api/v1alpha1/reserved-variables.ts';
import type {KubeObject} from '../../../src/kube/objects.ts';
import {backupCronJob} from '../../../src/operator/desired/backup-cron-job.ts';
import {configMap} from '../../../src/operator/desired/config-map.ts';
import {deployment, serverTemplate} from '../../../src/operator/desired/deployment.ts';
import type {Instance} from '../../../src/operator/desired/instance.ts';
import {migrationJob, migrationJobName} from '../../../src/operator/desired/migration-job.ts';
import {service, type Scheme} from '../../../src/operator/desired/service.ts';
import {podDisruptionBudget} from '../../../src/operator/desired/pod-disruption-budget.ts';
import {allManifests, instance} from '../../fixtures/desired.ts';
import {specArbitrary} from '../../fixtures/spec-arbitraries.ts';
import {developmentSpec, fullSpec, productionSpec, provider, resource} from '../../fixtures/specs.ts';

const IMAGE = {image: 'registry.example.com/fraiseql-auth:1', version: '1'};
const INPUTS = {...IMAGE, configMapName: 'auth-config-01234567', secretHash: 'abcdef01'};

const deployed = (each: Instance, inputs = INPUTS): KubeObject =>
  deployment(each, serverTemplate(each, inputs));

interface PodTemplate {
  metadata: {labels: Record<string, string>; annotations?: Record<string, string>};
  spec: {
    containers: {
      name: string;
      env: {name: string; value?: string}[];
      volumeMounts: {name: string; mountPath: string}[];
    }[];
    volumes: {name: string}[];
    [field: string]: unknown;
  };
}
/** What pods a manifest makes. */
function podTemplate({kind, spec}: KubeObject): PodTemplate {
  const job = kind === 'CronJob' ? (spec as {jobTemplate: {spec: object}}).jobTemplate.spec : spec;
  return (job as {template: PodTemplate}).template;
}
const env = (manifest: KubeObject) =>
  Object.fromEntries(
    podTemplate(manifest).spec.containers[0]?.env.map(({name, value}) => [name, value]) ?? [],
  );

describe('every manifest of every valid spec', () => {
  test('has a valid name, the labels, its owner, and is the same each time', () => {
    let valid = 0;
    fc.assert(
      fc.property(specArbitrary, (spec) => {
        fc.pre(checkSpec(resource(spec)).length === 0);
        valid += 1;
        const manifests = allManifests(instance(spec));
        expect(allManifests(instance(structuredClone(spec)))).toEqual(manifests);
        expect(new Set(manifests.map(({kind, metadata}) => `${kind}/${metadata.name}`)).size).toBe(
          manifests.length,
        );
        for (const {metadata} of manifests) {
          expect(metadata.name).toMatch(/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/);
          expect(metadata.namespace).toBe('default');
          expect(metadata.labels).toMatchObject({
            'app.kubernetes.io/name': 'fraiseql-auth',
            'app.kubernetes.io/instance': 'auth',
            'app.kubernetes.io/managed-by': 'fraiseql-auth-operator',
          });
          const wrong = Object.values(metadata.labels ?? {}).filter(
            (value) => !/^[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/.test(value),
          );
          expect(wrong).toEqual([]);
          expect(metadata.ownerReferences).toEqual([
            expect.objectContaining({kind: 'FraiseQLAuth', name: 'auth', controller: true}),
          ]);
        }
      }),
      {numRuns: 40},
    );
    expect(valid).toBeGreaterThanOrEqual(40);
  });

  test.each(
    allManifests(instance(fullSpec())).filter((each) => ['Deployment', 'Job', 'CronJob'].includes(each.kind)),
  )('$kind: mounts what it has, has what it mounts, and runs as nobody', (manifest) => {
    const {metadata, spec} = podTemplate(manifest);
    const [container] = spec.containers;
    const mounted = container?.volumeMounts.map(({name}) => name).sort();
    expect(mounted).toEqual(spec.volumes.map(({name}) => name).sort());
    expect(new Set(container?.volumeMounts.map(({mountPath}) => mountPath)).size).toBe(mounted?.length);
    // Whatever comes to the database knows whom to trust there.
    expect(env(manifest)).toMatchObject({DATABASE_CA_FILE: '/etc/fraiseql-auth/database-ca/ca.crt'});
    expect(spec.volumes).toContainEqual({
      name: 'database-ca',
      secret: {secretName: 'database-ca', defaultMode: 0o440, items: [{key: 'root.pem', path: 'ca.crt'}]},
    });
    expect(spec['automountServiceAccountToken']).toBe(false);
    expect(spec['enableServiceLinks']).toBe(false);
    expect(spec['securityContext']).toMatchObject({
      runAsNonRoot: true,
      seccompProfile: {type: 'RuntimeDefault'},
    });
    expect(container).toMatchObject({
      terminationMessagePolicy: 'FallbackToLogsOnError',
      securityContext: {
        readOnlyRootFilesystem: true,
        allowPrivilegeEscalation: false,
        capabilities: {drop: ['ALL']},
      },
    });
    expect(metadata.labels).toMatchObject({team: 'identity', 'app.kubernetes.io/name': 'fraiseql-auth'});
    expect(metadata.annotations).toMatchObject({'example.com/note': 'some text'});
    expect(env(manifest)).toMatchObject({HTTPS_PROXY: 'http://proxy:3128'});
  });
});

test('where the cluster assigns user and group, no pod names any, and all else is the same', () => {
  const spec = fullSpec();
  const [fixed, assigned] = [
    allManifests(instance(spec)),
    allManifests({...instance(spec), assignedIds: true}),
  ];
  const ids = ['runAsUser', 'runAsGroup', 'fsGroup'];
  const found = (manifests: KubeObject[]) =>
    manifests.flatMap((each) => JSON.stringify(each).match(/"(runAsUser|runAsGroup|fsGroup)":65532/g) ?? [])
      .length;
  expect(found(fixed)).toBe(4 * ids.length);
  expect(found(assigned)).toBe(0);
  const without = (manifests: KubeObject[]) =>
    JSON.parse(
      JSON.stringify(manifests, (key, value: unknown) => (ids.includes(key) ? undefined : value)),
    ) as unknown;
  expect(without(assigned)).toEqual(without(fixed));
});

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

describe('the Service', () => {
  const ports = (spec: unknown, ...running: Scheme[]) =>
    (
      service(instance(spec), new Set(running))['spec'] as {ports: {port: number; targetPort: string}[]}
    ).ports.map(({port, targetPort}) => `${port} ${targetPort}`);

  test('leads to the port that the pods have', () => {
    expect(ports(developmentSpec())).toEqual(['80 http']);
    expect(ports(fullSpec())).toEqual(['443 https']);
    expect(service(instance(fullSpec()))['spec']).toMatchObject({
      ports: [{name: 'https', appProtocol: 'https'}],
    });
  });

  test('has both while pods of both kinds run', () => {
    expect(ports(fullSpec(), 'http')).toEqual(['443 https', '80 http']);
    expect(ports(fullSpec(), 'http', 'https')).toEqual(['443 https', '80 http']);
    expect(ports(developmentSpec(), 'https')).toEqual(['80 http', '443 https']);
    expect(ports(developmentSpec(), 'http')).toEqual(['80 http']);
  });
});

describe('the configuration', () => {
  const read = (spec: unknown) =>
    parse(configMap(instance(spec)).data['auth.yaml'] ?? '') as Record<string, unknown>;

  test('holds the branding where the spec has one, and nothing of it where not', () => {
    expect(read(fullSpec())['branding']).toEqual({
      name: 'Example Cloud',
      logoUrl: 'https://cdn.example.com/logo.svg?v=2',
      color: '#0F766E',
    });
    expect(read(developmentSpec())).not.toHaveProperty('branding');
  });

  test('holds the former public URLs, and nothing where none of them is another', () => {
    expect(read(fullSpec())['previousIssuers']).toEqual(['https://auth.example.com']);
    const {publicURL} = developmentSpec();
    for (const previousIssuers of [undefined, [], [publicURL]])
      expect(read(developmentSpec({previousIssuers}))).not.toHaveProperty('previousIssuers');
  });

  test('holds the limits that the spec sets, and no others', () => {
    expect(read(fullSpec())['rateLimits']).toEqual({startPerMinute: 200, failedLoginsPerHour: 10});
    for (const rateLimits of [undefined, {}, {policy: 'None'}])
      expect(read(developmentSpec({rateLimits}))).not.toHaveProperty('rateLimits');
  });

  test('names secrets by file, and allows the hosts that the issuers name', () => {
    const spec = developmentSpec({
      providers: [
        provider({
          issuerURL: 'http://keycloak.idp.svc:8080/realms/dev',
          scopes: ['openid'],
          allowedHosts: ['keycloak-keys.idp.svc'],
        }),
        {name: 'google', type: 'Google', clientCredentialsSecretRef: {name: 'google'}, callback: 'Own'},
      ],
    });
    expect(read(spec)).toEqual({
      providers: [
        {
          name: 'keycloak',
          type: 'keycloak',
          displayName: 'keycloak',
          issuerUrl: 'http://keycloak.idp.svc:8080/realms/dev',
          clientIdFile: '/etc/fraiseql-auth/providers/keycloak/client-id',
          clientSecretFile: '/etc/fraiseql-auth/providers/keycloak/client-secret',
          scopes: ['openid'],
        },
        {
          name: 'google',
          type: 'google',
          displayName: 'google',
          clientIdFile: '/etc/fraiseql-auth/providers/google/client-id',
          clientSecretFile: '/etc/fraiseql-auth/providers/google/client-secret',
          callback: 'Own',
        },
      ],
      signingKeysFile: '/etc/fraiseql-auth/keys/keys.json',
      allowedHosts: ['keycloak.idp.svc:8080', 'keycloak-keys.idp.svc'],
    });
  });

  test('says where GitHub is only for a server of its own, whose host it then allows', () => {
    const github = {name: 'github', type: 'GitHub', clientCredentialsSecretRef: {name: 'github'}};
    const at = (issuerURL?: string) =>
      read(developmentSpec({providers: [issuerURL === undefined ? github : {...github, issuerURL}]}));
    expect(at()).toMatchObject({providers: [{type: 'github'}]});
    expect(JSON.stringify(at())).not.toMatch(/issuerUrl|allowedHosts/);
    expect(at('https://github.example.com')).toMatchObject({
      providers: [{type: 'github', issuerUrl: 'https://github.example.com'}],
      allowedHosts: ['github.example.com:443'],
    });
  });

  test('says of RP-initiated logout only that it is off, as the server has it on', () => {
    const at = (rpInitiatedLogout: string) =>
      JSON.stringify(read(developmentSpec({providers: [provider({rpInitiatedLogout})]})));
    expect(at('Disabled')).toContain('"rpInitiatedLogout":"Disabled"');
    expect(at('Enabled')).toBe(JSON.stringify(read(developmentSpec({providers: [provider()]}))));
  });

  test('another content is another ConfigMap', () => {
    const name = (spec: unknown) => configMap(instance(spec)).metadata.name;
    expect(name(developmentSpec())).toBe(name(developmentSpec({replicas: 2})));
    expect(name(developmentSpec())).not.toBe(
      name(developmentSpec({providers: [provider({displayName: 'Staff'})]})),
    );
    expect(configMap(instance(developmentSpec()))['immutable']).toBe(true);
  });
});

describe('the migration', () => {
  const inputs = {image: 'a', schemaVersion: '4', databaseHash: '01234567'};

  test('is another Job for another image, schema or database, and for nothing else', () => {
    const name = (more: object = {}, spec: unknown = developmentSpec()) =>
      migrationJobName(instance(spec), {...inputs, ...more});
    const different = [name(), name({image: 'b'}), name({schemaVersion: '5'}), name({databaseHash: 'x'})];
    expect(new Set(different).size).toBe(4);
    expect(name({}, developmentSpec({migrations: {timeout: '1h'}, replicas: 2}))).toBe(name());
  });

  test('is one attempt that ends', () => {
    expect(
      migrationJob(instance(developmentSpec({migrations: {timeout: '2m'}})), inputs)['spec'],
    ).toMatchObject({
      backoffLimit: 0,
      activeDeadlineSeconds: 180,
      template: {spec: {restartPolicy: 'Never', containers: [{name: 'migrate', args: ['db', 'migrate']}]}},
    });
  });
});

describe('the backup', () => {
  test('never runs twice at once, nor for what was missed long ago', () => {
    expect(backupCronJob(instance(productionSpec()), IMAGE)?.['spec']).toMatchObject({
      schedule: '0 2 * * *',
      timeZone: 'Etc/UTC',
      concurrencyPolicy: 'Forbid',
      startingDeadlineSeconds: 3600,
    });
  });

  test('goes to the claim or to the bucket', () => {
    const [pvc, s3] = [productionSpec(), fullSpec()].map((spec) => backupCronJob(instance(spec), IMAGE));
    expect(pvc && env(pvc)).toMatchObject({
      BACKUP_DESTINATION: 'file:///backups',
      BACKUP_RETENTION_SECONDS: '2592000',
    });
    expect(pvc && podTemplate(pvc).spec.volumes).toContainEqual({
      name: 'backups',
      persistentVolumeClaim: {claimName: 'backups'},
    });
    expect(s3 && env(s3)).toMatchObject({
      BACKUP_DESTINATION: 's3://backups/a/b',
      S3_ENDPOINT: 'https://s3.example.com',
      S3_FORCE_PATH_STYLE: 'true',
      BACKUP_NAME_PREFIX: 'default.auth',
    });
  });

  test('leaves each attempt the time to end by itself and say why', () => {
    const job = backupCronJob(instance(productionSpec()), IMAGE);
    const spec = job?.['spec'] as {jobTemplate: {spec: Record<string, number>}} | undefined;
    const {backoffLimit = 0, activeDeadlineSeconds = 0} = spec?.jobTemplate.spec ?? {};
    const attempts = 1 + backoffLimit;
    const timeout = Number(job && env(job)['BACKUP_TIMEOUT_SECONDS']);
    // Kubernetes waits 10 s, 20 s, 40 s … between attempts; a pod takes a while to start.
    expect(activeDeadlineSeconds).toBeGreaterThan(attempts * (timeout + 60) + 10 * (2 ** backoffLimit - 1));
  });

  test('has a name that no other instance has', () => {
    const prefix = (namespace: string, name: string) => {
      const job = backupCronJob({...instance(productionSpec()), namespace, name}, IMAGE);
      return job && env(job)['BACKUP_NAME_PREFIX'];
    };
    expect(prefix('team-a', 'auth')).toBe('team-a.auth');
    expect(prefix('team', 'a-auth')).toBe('team.a-auth');
  });

  test('is not there where the spec has none', () => {
    expect(backupCronJob(instance(developmentSpec()), IMAGE)).toBeUndefined();
    expect(backupCronJob(instance(productionSpec({backup: {policy: 'None'}})), IMAGE)).toBeUndefined();
  });
});

test('a disruption budget would block a single pod for ever', () => {
  expect(podDisruptionBudget(instance(developmentSpec()))).toBeUndefined();
  expect(podDisruptionBudget(instance(developmentSpec({autoscaling: {minReplicas: 1}})))).toBeUndefined();
  expect(podDisruptionBudget(instance(productionSpec()))?.['spec']).toMatchObject({maxUnavailable: 1});
});
