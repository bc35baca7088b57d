import {readFile} from 'node:fs/promises';
import {join} from 'node:path';
import {afterAll, beforeAll, describe, expect, test} from 'vitest';
import {parse} from 'yaml';
import {FRAISEQLAUTH} from '../../../src/api/v1alpha1/group-version.ts';
import {checkSpec} from '../../../src/api/v1alpha1/check.ts';
import {ApiError} from '../../../src/kube/client.ts';
import {RESOURCES, type KubeObject} from '../../../src/kube/objects.ts';
import {installDefinition} from './definition.ts';
import {startApiServer, type TestApiServer} from '../../support/apiserver.ts';
import {developmentSpec, productionSpec, resource} from '../../fixtures/specs.ts';
import {WRONG_SPECS} from '../../fixtures/wrong-specs.ts';

const ROOT = join(import.meta.dirname, '../../..');
let api: TestApiServer;

beforeAll(async () => {
  api = await startApiServer();
  await installDefinition(api.admin);
});

/** Creates it under a name of its own, unless the name is what matters. */
let created = 0;
async function create(object: {metadata: object; spec?: unknown}, name?: string): Promise<KubeObject> {
  created += 1;
  const metadata = {...object.metadata, name: name ?? `wrong-${created}`, namespace: 'default'};
  return api.admin.create(FRAISEQLAUTH, {...(object as KubeObject), metadata});
}
afterAll(() => api.stop());

describe('what the API server makes of the resource definition', () => {
  test('it takes it without a complaint', async () => {
    const crd = await api.admin.get(RESOURCES.CustomResourceDefinition, {
      name: 'fraiseqlauths.auth.fraiseql.dev',
    });
    const conditions = (crd?.['status'] as {conditions: object[]} | undefined)?.conditions;
    expect(conditions).toContainEqual(expect.objectContaining({type: 'Established', status: 'True'}));
    expect(conditions).not.toContainEqual(
      expect.objectContaining({type: 'NonStructuralSchema', status: 'True'}),
    );
  });

  test.each(['development', 'production'])('it takes the sample for %s', async (name) => {
    const sample = parse(await readFile(join(ROOT, `config/samples/${name}.yaml`), 'utf8')) as KubeObject;
    const stored = await create(sample);
    expect(checkSpec(stored)).toEqual([]);
  });

  test('it fills in the defaults that the reconciler would', async () => {
    const {spec} = await create(resource(developmentSpec()));
    expect(spec).toMatchObject({
      tokens: {accessTTL: '1h', refreshTTL: '168h', algorithm: 'RS256', replayWindow: '30s'},
      database: {connectionBudget: 90, maxLifetime: '30m', urlSecretRef: {key: 'database-url'}},
      migrations: {timeout: '10m'},
    });
  });

  test('kubectl scale works by the scale subresource, and not against an autoscaler', async () => {
    const {admin} = api;
    await admin.create(FRAISEQLAUTH, resource(developmentSpec({replicas: 1}), 'scaled'));
    const key = {namespace: 'default', name: 'scaled'};
    await admin.mergePatch(FRAISEQLAUTH, key, {spec: {replicas: 2}});
    await admin.mergePatch(
      FRAISEQLAUTH,
      key,
      {status: {replicas: 2, selector: 'app.kubernetes.io/instance=scaled'}},
      {subresource: 'status'},
    );
    const scale = JSON.parse(
      await admin.raw('/apis/auth.fraiseql.dev/v1alpha1/namespaces/default/fraiseqlauths/scaled/scale'),
    ) as KubeObject;
    expect(scale).toMatchObject({
      spec: {replicas: 2},
      status: {replicas: 2, selector: 'app.kubernetes.io/instance=scaled'},
    });
    await expect(create(resource(productionSpec({autoscaling: {}, replicas: 4})))).rejects.toThrow(
      'remove one of them',
    );
  });

  test('a status with every field is stored as it is', async () => {
    const {admin} = api;
    await admin.create(FRAISEQLAUTH, resource(developmentSpec(), 'status'));
    const time = '2026-11-23T12:00:00Z';
    const status = {
      observedGeneration: 1,
      replicas: 3,
      readyReplicas: 3,
      selector: 'a=b',
      version: {current: '0.1.0', target: '0.1.0'},
      schema: {current: '4', target: '4', job: 'status-migrate-12345678', attempts: 1, database: '12345678'},
      signingKeys: [{kid: '2026-11', state: 'Signing', since: time}],
      endpoints: {issuer: 'u', authorize: 'u', callback: 'u', jwks: 'u'},
      health: {auth: 'healthy', oauthProvider: 'ok', db: 'ok', checkedAt: time},
      backup: {
        lastSuccess: time,
        lastLocation: 'x',
        lastWarning: 'w',
        lastFailure: time,
        lastFailureMessage: 'm',
        next: time,
      },
      blockedOn: [
        {
          reason: 'SecretNotFound',
          message: 'm',
          hint: 'h',
          objectRef: {kind: 'Secret', name: 'auth-db', key: 'database-url'},
          since: time,
        },
      ],
      conditions: [
        {
          type: 'Ready',
          status: 'True',
          reason: 'Ready',
          message: '',
          lastTransitionTime: time,
          observedGeneration: 1,
        },
      ],
    };
    const stored = await admin.mergePatch<KubeObject>(
      FRAISEQLAUTH,
      {namespace: 'default', name: 'status'},
      {status},
      {subresource: 'status'},
    );
    expect(stored['status']).toEqual(status);
  });
});

describe('a public URL that moves', () => {
  const OLD = 'https://old.example.com';
  const NEW = 'https://new.example.com';
  const moved = (spec: Record<string, unknown>) =>
    api.admin.mergePatch(FRAISEQLAUTH, {namespace: 'default', name: 'moving'}, {spec});
  beforeAll(() => api.admin.create(FRAISEQLAUTH, resource(productionSpec({publicURL: OLD}), 'moving')));

  test('is refused while the old one is not listed, with what to write', async () => {
    const error: unknown = await moved({publicURL: NEW}).catch((reason: unknown) => reason);
    expect(error).toMatchObject({status: 422});
    expect((error as ApiError).message).toContain('spec.publicURL');
    expect((error as ApiError).message).toContain(`add ${OLD} to spec.previousIssuers`);
    await expect(moved({publicURL: NEW, previousIssuers: ['https://other.example.com']})).rejects.toThrow(
      OLD,
    );
  });

  test('is let in with it, and back again with the new one', async () => {
    await moved({publicURL: NEW, previousIssuers: [OLD]});
    // Nothing moves: the list may be cleared, and all else changed.
    await moved({replicas: 4, autoscaling: null});
    await expect(moved({publicURL: OLD})).rejects.toThrow(`add ${NEW} to`);
    await moved({publicURL: OLD, previousIssuers: [NEW, OLD]});
    await moved({previousIssuers: null});
  });
});

describe('a wrong spec', () => {
  test('there are more than twenty of them, and no two alike', () => {
    expect(new Set(WRONG_SPECS.map(({title}) => title)).size).toBe(WRONG_SPECS.length);
    expect(WRONG_SPECS.length).toBeGreaterThanOrEqual(20);
  });

  test.each(WRONG_SPECS.filter(({seenBy}) => seenBy === 'server'))(
    '$title: refused, with the field and the remedy',
    async ({spec, name, field, remedy}) => {
      const error: unknown = await create(resource(spec), name).then(
        () => undefined,
        (reason: unknown) => reason,
      );
      expect(error).toBeInstanceOf(ApiError);
      const {status, message} = error as ApiError;
      expect(status).toBe(422);
      expect(message).toContain(field);
      expect(message).toContain(remedy);
    },
  );

  test.each(WRONG_SPECS.filter(({seenBy}) => seenBy === 'operator'))(
    '$title: let in, and found by the reconciler',
    async ({spec, name, field, remedy}) => {
      const stored = await create(resource(spec), name);
      const errors = checkSpec(stored);
      expect(errors.map((each) => each.field)).toEqual([field]);
      expect(errors[0]?.message).toContain(remedy);
    },
  );
});
