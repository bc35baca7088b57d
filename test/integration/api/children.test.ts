import * as fc from 'fast-check';
import {afterAll, beforeAll, describe, expect, test} from 'vitest';
import {canonicalQuantity} from '../../../src/api/v1alpha1/quantity.ts';
import {checkSpec} from '../../../src/api/v1alpha1/check.ts';
import {type KubeObject, RESOURCES, type ResourceType} from '../../../src/kube/objects.ts';
import {isSubset} from '../../../src/kube/subset.ts';
import {MANAGER} from '../../../src/operator/desired/children.ts';
import type {ApiServer} from '../../support/apiserver.ts';
import {documentedRestores} from '../../support/documented.ts';
import {sharedApiServer} from '../../support/shared-apiserver.ts';
import {allManifests, instance} from '../../fixtures/desired.ts';
import {specArbitrary} from '../../fixtures/spec-arbitraries.ts';
import {developmentSpec, fullSpec, productionSpec, resource} from '../../fixtures/specs.ts';

let api: ApiServer;

beforeAll(async () => {
  api = await sharedApiServer();
  // As strict as a namespace can be: what it warns of would not run.
  const labels = {'pod-security.kubernetes.io/enforce': 'restricted'};
  await api.admin.mergePatch(RESOURCES.Namespace, {name: 'default'}, {metadata: {labels}});
});
afterAll(() => api.stop());

function typeOf({kind}: KubeObject): ResourceType {
  const type = Object.values<ResourceType>(RESOURCES).find((each) => each.kind === kind);
  if (!type) throw new Error(`no type for ${kind}`);
  return type;
}

/** What the API server makes of a child that is not there yet. */
const tryOut = (manifest: KubeObject) =>
  api.admin.apply(typeOf(manifest), manifest, {fieldManager: MANAGER, dryRun: true});

const SPECS = {development: developmentSpec(), production: productionSpec(), full: fullSpec()};

describe.each(Object.entries(SPECS))('the children of a %s instance', (_name, spec) => {
  test.each(
    allManifests(instance(spec)).map((manifest) => [manifest.kind, manifest.metadata.name, manifest]),
  )('%s %s is taken as it is', async (_kind, _name, manifest) => {
    const live = await tryOut(manifest);
    expect(live).toMatchObject({metadata: manifest.metadata});
    expect(difference(manifest, live)).toEqual([]);
    expect(isSubset(manifest, live)).toBe(true);
  });
});

test('a pod of each kind meets the restricted standard', async () => {
  const manifests = allManifests(instance(fullSpec()));
  const templates = manifests.flatMap((manifest) => podTemplates(manifest));
  expect(templates).toHaveLength(4);
  for (const {metadata, spec} of templates) {
    const pod = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: {...metadata, name: 'pod', namespace: 'default'},
      spec,
    };
    const live = await api.admin.apply(RESOURCES.Pod, pod, {
      fieldManager: MANAGER,
      dryRun: true,
    });
    expect(live.metadata.name).toBe('pod');
  }
});

test.each(['s3', 'pvc'] as const)(
  'so does the Job of docs/backups.md that restores from %s',
  async (kind) => {
    const job = (await documentedRestores())[kind];
    const metadata = {name: job.metadata.name, namespace: 'default'};
    const dryRun = {fieldManager: MANAGER, dryRun: true};
    const live = await api.admin.apply(RESOURCES.Job, {...job, metadata}, dryRun);
    expect(difference(job.spec, live['spec'])).toEqual([]);
    const pod = {apiVersion: 'v1', kind: 'Pod', metadata, spec: job.spec.template.spec};
    expect((await api.admin.apply(RESOURCES.Pod, pod, dryRun)).metadata.name).toBe(job.metadata.name);
  },
);

test('whatever spec is valid, the API server takes its children, and they stay the same', async () => {
  let instances = 0;
  await fc.assert(
    fc.asyncProperty(specArbitrary, async (spec) => {
      fc.pre(checkSpec(resource(spec)).length === 0);
      instances += 1;
      for (const manifest of allManifests(instance(spec))) {
        const live = await tryOut(manifest);
        expect(difference(manifest, live)).toEqual([]);
      }
    }),
    {numRuns: 60},
  );
  expect(instances).toBeGreaterThanOrEqual(40);
});

test('amounts are spelled as the API server spells them', async () => {
  const suffix = fc.constantFrom('m', '', 'k', 'M', 'G', 'Ki', 'Mi', 'Gi', 'Ti');
  const text = fc
    .tuple(fc.integer({min: 1, max: 5000}), fc.option(fc.integer({min: 0, max: 999})), suffix)
    .map(([whole, part, unit]) => `${whole}${part === null || unit === 'm' ? '' : `.${part}`}${unit}`);
  await fc.assert(
    fc.asyncProperty(text, async (memory) => {
      const spec = developmentSpec({resources: {limits: {memory}}});
      const manifest = deploymentOf(spec);
      // A limit below the default request lowers that too.
      const {limits} = instance(spec).spec.resources;
      expect(limits.memory).toBe(canonicalQuantity(memory));
      expect(difference(manifest, await tryOut(manifest))).toEqual([]);
    }),
    {numRuns: 200},
  );
});

function deploymentOf(spec: unknown): KubeObject {
  const found = allManifests(instance(spec)).find(({kind}) => kind === 'Deployment');
  if (!found) throw new Error('no Deployment');
  return found;
}

function podTemplates(manifest: KubeObject): {metadata: object; spec: object}[] {
  const spec = (manifest['spec'] ?? {}) as Record<string, unknown>;
  const job = spec['jobTemplate'] as {spec: Record<string, unknown>} | undefined;
  const template = (job?.spec ?? spec)['template'] as {metadata: object; spec: object} | undefined;
  return template ? [template] : [];
}

/** The paths at which `live` does not hold exactly what is desired, with no leniency for spellings. */
function difference(desired: unknown, live: unknown, path = ''): string[] {
  // The server leaves out a `paused` that is false.
  if (path.endsWith('.paused') && desired === false && live === undefined) return [];
  if (desired === null || typeof desired !== 'object') {
    return Object.is(desired, live)
      ? []
      : [`${path}: ${JSON.stringify(desired)} became ${JSON.stringify(live)}`];
  }
  if (live === null || typeof live !== 'object') return [`${path}: became ${JSON.stringify(live)}`];
  if (Array.isArray(desired) && desired.length !== (live as unknown[]).length)
    return [`${path}: another length`];
  return Object.entries(desired).flatMap(([key, value]) =>
    difference(value, (live as Record<string, unknown>)[key], `${path}.${key}`),
  );
}
