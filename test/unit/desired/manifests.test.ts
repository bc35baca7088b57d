import * as fc from 'fast-check';
import {describe, expect, test} from 'vitest';
import {checkSpec} from '../../../src/api/v1alpha1/check.ts';
import type {KubeObject} from '../../../src/kube/objects.ts';
import {allManifests, instance} from '../../fixtures/desired.ts';
import {specArbitrary} from '../../fixtures/spec-arbitraries.ts';
import {fullSpec, resource} from '../../fixtures/specs.ts';
import {env, podTemplate} from './manifest.ts';

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
