import {setTimeout as delay} from 'node:timers/promises';
import {afterAll, beforeAll, describe, expect, test} from 'vitest';
import {FRAISEQLAUTH} from '../../../src/api/v1alpha1/group-version.ts';
import {RESOURCES, type KubeObject} from '../../../src/kube/objects.ts';
import {configMapsOf, type Deployment} from '../../../src/operator/workloads.ts';
import {playControllers} from './controllers.ts';
import {eventually, fraiseqlauth, startOwnHarness, type OwnHarness, type Stored} from './harness.ts';

let harness: OwnHarness;
beforeAll(async () => {
  // As a definition of long ago would: it lets everything in.
  harness = await startOwnHarness({permissive: true});
  await harness.operate();
});
afterAll(() => harness.stop());

const good = fraiseqlauth('x').spec as unknown as Record<string, unknown>;
const provider = (good['providers'] as Record<string, unknown>[])[0] ?? {};
const database = good['database'] as Record<string, unknown>;

/** What was written, the field that is at fault, and a word of the remedy. */
const WRONG: readonly [string, unknown, string, RegExp][] = [
  ['no spec at all', null, 'spec', /needed|must be/],
  ['a spec that is a list', [], 'spec', /must be an object/],
  ['an empty spec', {}, 'spec.publicURL', /needed/],
  [
    'a URL with a path',
    {...good, publicURL: 'http://localhost:8000/auth'},
    'spec.publicURL',
    /without a path/,
  ],
  ['a URL that is none', {...good, publicURL: 'localhost'}, 'spec.publicURL', /for example https/],
  ['a port beyond all', {...good, publicURL: 'http://localhost:99999'}, 'spec.publicURL', /65535/],
  ['no provider', {...good, providers: []}, 'spec.providers', /at least 1/],
  ['providers that are a word', {...good, providers: 'google'}, 'spec.providers', /must be an array/],
  [
    'a provider without issuer',
    {...good, providers: [{...provider, issuerURL: undefined}]},
    'spec.providers[0].issuerURL',
    /is needed for type Keycloak/,
  ],
  [
    'an unknown provider type',
    {...good, providers: [{...provider, type: 'Facebook'}]},
    'spec.providers[0].type',
    /must be one of/,
  ],
  [
    'two providers of one name',
    {...good, providers: [provider, provider]},
    'spec.providers[1]',
    /stands twice/,
  ],
  [
    'a number for a name',
    {...good, providers: [{...provider, name: 7}]},
    'spec.providers[0].name',
    /must be a string/,
  ],
  ['a duration of words', {...good, tokens: {accessTTL: 'one hour'}}, 'spec.tokens.accessTTL', /duration/],
  [
    'a refresh shorter than its access',
    {...good, tokens: {accessTTL: '2h', refreshTTL: '1h'}},
    'spec.tokens.refreshTTL',
    /longer than accessTTL/,
  ],
  [
    'replicas and autoscaling',
    {...good, replicas: 2, autoscaling: {minReplicas: 1, maxReplicas: 2}},
    'spec.replicas',
    /remove one of them/,
  ],
  [
    'more connections than there are',
    {...good, replicas: 10, database: {...database, poolSize: 50}},
    'spec.database',
    /connectionBudget/,
  ],
  ['minus one replica', {...good, replicas: -1}, 'spec.replicas', /at least 0/],
  [
    'a schedule that never comes',
    {...good, backup: {schedule: '0 0 31 2 *', destination: {pvc: {claimName: 'backups'}}}},
    'spec.backup.schedule',
    /never comes/,
  ],
  [
    'a time zone that does not exist',
    {...good, backup: {timeZone: 'Europe/Atlantis', destination: {pvc: {claimName: 'backups'}}}},
    'spec.backup.timeZone',
    /no time zone/,
  ],
  [
    'two destinations',
    {...good, backup: {destination: {pvc: {claimName: 'a'}, s3: {bucket: 'bucket'}}}},
    'spec.backup.destination',
    /exactly one/,
  ],
  ['an image with spaces', {...good, image: 'my image'}, 'spec.image', /must be an image/],
  [
    'production without backup',
    {...good, profile: 'Production', publicURL: 'https://a.example.com'},
    'spec.backup',
    /policy: None/,
  ],
  [
    'a Secret with a path for a name',
    {...good, database: {urlSecretRef: {name: '../../etc', key: 'url'}}},
    'spec.database.urlSecretRef.name',
    /name of/,
  ],
  [
    'a key of ten thousand letters',
    {...good, database: {urlSecretRef: {name: 'auth-db', key: 'k'.repeat(10_000)}}},
    'spec.database.urlSecretRef.key',
    /at most|253/,
  ],
  [
    'a variable that is ours',
    {...good, pod: {extraEnv: [{name: 'DATABASE_URL', value: 'x'}]}},
    'spec.pod.extraEnv[0].name',
    /set by the operator/,
  ],
  [
    'an affinity with a typing mistake',
    {...good, pod: {affinity: {nodeAffinty: {}}}},
    'spec.pod.affinity.nodeAffinty',
    /write one of nodeAffinity/,
  ],
  [
    'a prototype',
    JSON.parse('{"__proto__": {"publicURL": "x"}, "constructor": 1}'),
    'spec.publicURL',
    /needed/,
  ],
];

describe('specs that should never have been let in', () => {
  test('each is named with its field and its remedy; none stops the operator or another resource', async () => {
    const {namespace, see} = await harness.prepare();
    await Promise.all(
      WRONG.map(async ([, spec], index) => {
        const object = fraiseqlauth(namespace, {}, `wrong-${index}`);
        await harness.admin.create(FRAISEQLAUTH, {
          ...object,
          ...(spec === null ? {spec: undefined} : {spec}),
        } as unknown as Stored);
      }),
    );
    await harness.admin.create(FRAISEQLAUTH, fraiseqlauth(namespace, {}, 'auth'));
    await see.becomeReady();
    for (const [index, [what, , field, remedy]] of WRONG.entries()) {
      const name = `wrong-${index}`;
      const valid = await eventually(() => see.condition('SpecValid', name));
      expect(`${what}: ${valid.status}`).toBe(`${what}: False`);
      expect(valid.message).toContain(field);
      expect(valid.message).toMatch(remedy);
      const ready = await see.condition('Ready', name);
      expect(ready).toMatchObject({status: 'False', reason: 'SpecInvalid'});
      expect((await see.resource(name)).status?.blockedOn?.[0]).toMatchObject({
        reason: 'SpecInvalid',
        objectRef: {name},
      });
    }
    expect((await see.children()).every((each) => !each.includes('wrong'))).toBe(true);
    // Looked at once each: nothing is tried in a loop.
    await delay(300);
    const quiet = new Date();
    await delay(1500);
    expect(await harness.writesSince(quiet)).toEqual([]);
  });

  test('one that runs and becomes invalid goes on, and heals', async () => {
    const {namespace, see} = await harness.prepare();
    await harness.admin.create(FRAISEQLAUTH, fraiseqlauth(namespace));
    await see.becomeReady();
    const before = await see.get<Deployment>(RESOURCES.Deployment, 'auth');
    const key = {namespace, name: 'auth'};
    await harness.admin.mergePatch(FRAISEQLAUTH, key, {spec: {publicURL: 'nonsense', replicas: 5}});
    const {message} = await eventually(async () => {
      const condition = await see.condition('Ready');
      return condition.reason === 'SpecInvalid' && condition;
    });
    expect(message).toContain('spec.publicURL');
    expect(message).toContain('What runs keeps serving (1 of 1 pods ready)');
    expect((await see.condition('Available')).status).toBe('True');
    const live = await see.get<Deployment>(RESOURCES.Deployment, 'auth');
    expect(live?.metadata.generation).toBe(before?.metadata.generation);
    await harness.admin.mergePatch(FRAISEQLAUTH, key, {
      spec: {publicURL: 'http://localhost:8000', replicas: null},
    });
    await eventually(async () => (await see.condition('Ready')).status === 'True' && true);
    expect((await see.resource()).status?.blockedOn).toBeUndefined();
  });

  test('a public URL that moves waits for the old one to be listed, and then rolls out with it', async () => {
    const {namespace, see} = await harness.prepare();
    await harness.admin.create(FRAISEQLAUTH, fraiseqlauth(namespace));
    await see.becomeReady();
    const key = {namespace, name: 'auth'};
    const moved = {publicURL: 'http://auth.apps.svc:8000'};
    await harness.admin.mergePatch(FRAISEQLAUTH, key, {spec: moved});
    const {message} = await eventually(async () => {
      const condition = await see.condition('SpecValid');
      return condition.status === 'False' && condition;
    });
    expect(message).toContain('add http://localhost:8000 to spec.previousIssuers');
    expect((await see.resource()).status?.endpoints?.issuer).toBe('http://localhost:8000');
    await harness.admin.mergePatch(FRAISEQLAUTH, key, {spec: {previousIssuers: ['http://localhost:8000']}});
    const controllers = playControllers(see);
    await eventually(async () => {
      const {status} = await see.resource();
      return (
        status?.endpoints?.issuer === moved.publicURL && (await see.condition('Ready')).status === 'True'
      );
    });
    const live = await see.get<Deployment>(RESOURCES.Deployment, 'auth');
    await controllers.stop();
    const [config] = configMapsOf(live?.spec?.template?.spec);
    const {data} =
      (await see.get<KubeObject & {data: Record<string, string>}>(RESOURCES.ConfigMap, config ?? '')) ?? {};
    expect(data?.['auth.yaml']).toContain('previousIssuers:\n  - http://localhost:8000');
  });
});
