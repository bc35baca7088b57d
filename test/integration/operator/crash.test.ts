import {setTimeout as delay} from 'node:timers/promises';
import {afterAll, beforeAll, describe, expect, test} from 'vitest';
import {FRAISEQLAUTH} from '../../../src/api/v1alpha1/group-version.ts';
import {RESOURCES, type KubeObject} from '../../../src/kube/objects.ts';
import type {Deployment} from '../../../src/operator/workloads.ts';
import {deathAt, dyingIn, type Death, type Kill} from './dying.ts';
import {createsAndDeletes} from './creates-and-deletes.ts';
import {fraiseqlauth, startOwnHarness, type OwnHarness} from './harness.ts';
import {OWNED_TYPES} from '../../support/normalised.ts';
import {WholeCluster, type Sight} from './whole-cluster.ts';

/** FAULT_ALL=1: at every write; without, at these. */
const ALL = process.env['FAULT_ALL'] === '1';
const WRITES = ALL ? Array.from({length: 24}, (_, n) => n + 1) : [1, 3, 5, 7, 9];
const KILLS: readonly Kill[] = [
  // The first is what the others are compared with.
  {n: Infinity, when: 'after'},
  ...WRITES.flatMap((n) => [{n, when: 'before'} as const, {n, when: 'after'} as const]),
];
const WITHIN_MS = 60_000;
/** Every kind of change makes some writes. */
const SOME = 4;
/** A new version of the operator brings an image and a schema. */
const NEXT = {image: 'registry.test/fraiseql-auth:2.0.0', schemaVersion: '1000'};

interface Place extends Kill {
  readonly namespace: string;
}

interface Phase {
  readonly name: string;
  readonly happens: (place: Place) => Promise<unknown>;
  /** Whether it has come as far as that; undefined: there is no such resource. */
  readonly done: (sight: Sight | undefined, place: Place) => boolean;
  readonly version?: {image: string; schemaVersion: string};
}

let harness: OwnHarness;
let cluster: WholeCluster;
let controllers: {stop(): Promise<void>};
let places: readonly Place[];
let total = 0;
const lines: string[] = [];

beforeAll(async () => {
  harness = await startOwnHarness();
  cluster = new WholeCluster(harness.admin);
  places = await Promise.all(
    KILLS.map(async (kill) => {
      const {namespace} = await harness.prepare();
      return {...kill, namespace};
    }),
  );
  controllers = cluster.play();
});
afterAll(async () => {
  await controllers.stop();
  await harness.stop();
  console.log(`kills (real API server): ${total} of ${total} ended in the same state\n${lines.join('\n')}`);
});

const create = ({namespace}: Place): Promise<unknown> =>
  harness.admin.create(FRAISEQLAUTH, fraiseqlauth(namespace));
const remove = ({namespace}: Place): Promise<unknown> =>
  harness.admin.delete(FRAISEQLAUTH, {namespace, name: 'auth'});
const deploymentIn = ({children}: Sight): Deployment | undefined =>
  children.find((each) => each.kind === 'Deployment');
const secretsHash = (sight: Sight): string | undefined =>
  deploymentIn(sight)?.spec?.template?.metadata?.annotations?.['auth.fraiseql.dev/secrets-hash'];

const imageOf = (sight: Sight): string | undefined =>
  deploymentIn(sight)?.spec?.template?.spec?.containers?.[0]?.image;

function isReady(sight: Sight | undefined): sight is Sight {
  const {metadata, status} = sight?.resource ?? {};
  const ready = status?.conditions?.find((each) => each.type === 'Ready');
  return ready?.status === 'True' && status?.observedGeneration === metadata?.generation;
}

type Seen = ReadonlyMap<string, Sight>;

/** Waits for all places. */
async function until(who: string, holds: (seen: Seen, place: Place) => boolean): Promise<void> {
  const deadline = performance.now() + WITHIN_MS;
  for (;;) {
    const seen = await cluster.see();
    const late = places.filter((place) => !holds(seen, place));
    if (late.length === 0) return;
    if (performance.now() > deadline) throw new Error(`${who} is still at ${JSON.stringify(late)}`);
    // All children of all places at a time are much to ask for.
    await delay(200);
  }
}

/** Nothing is left of what was before, nor of trying it out. */
function isTidy({children}: Sight): boolean {
  const names = children.map(({kind, metadata}) => `${kind}/${metadata.name}`);
  const count = (what: string): number => names.filter((each) => each.startsWith(what)).length;
  return count('ConfigMap/') === 1 && count('Job/auth-check-') === 0 && count('Job/auth-migrate-') <= 1;
}

function deathsIn(kills: readonly (Kill & {namespace: string})[]): {
  deaths: ReadonlyMap<string, Death>;
  isDead: (place: Place) => boolean;
} {
  const deaths = new Map(kills.map((kill) => [kill.namespace, deathAt(kill)]));
  return {deaths, isDead: ({namespace}) => deaths.get(namespace)?.dead() === true};
}

/** Nothing but what people made is left, and since that moment no operator has made anything. */
async function expectNothingLeft(what: string, from: Date): Promise<void> {
  const labelSelector = 'app.kubernetes.io/managed-by=fraiseql-auth-operator';
  const lists = await Promise.all(
    OWNED_TYPES.map((type) => harness.admin.list<KubeObject>(type, {labelSelector})),
  );
  const left = lists.flatMap(({items}) => items).map(({kind, metadata}) => `${metadata.namespace} ${kind}`);
  expect({what, left, made: [...(await createsAndDeletes(harness.server, from))]}).toEqual({
    what,
    left: [],
    made: [],
  });
}

/**
 * One operator is killed in each place at its write, and another comes. All places side by side: in each the operator
 * is dead from then on, though it goes on in others.
 */
async function play(phase: Phase): Promise<number> {
  const {version} = phase;
  const from = new Date();
  const {deaths, isDead} = deathsIn(places);
  const first = await harness.operate({wrap: dyingIn(deaths), ...(version && {version})});
  await Promise.all(places.map(phase.happens));
  const isDone = (seen: Seen, place: Place): boolean => phase.done(seen.get(place.namespace), place);
  await until(`${phase.name}, the first operator`, (seen, place) => isDead(place) || isDone(seen, place));
  await first.stop();
  const died = places.filter(isDead);

  const second = await harness.operate(version && {version});
  await until(`${phase.name}, the second operator`, isDone);
  await cluster.rest();
  await second.stop();

  const [seen, counts] = [await cluster.see(), await createsAndDeletes(harness.server, from)];
  const end = ({namespace}: Place) => ({
    state: seen.get(namespace)?.state(),
    counts: counts.get(namespace) ?? {},
  });
  const [reference] = places;
  if (reference === undefined) throw new Error('there is no place');
  for (const place of places) {
    const where = `${phase.name}: killed ${place.when} write ${place.n} in ${place.namespace}`;
    expect({where, ...end(place)}).toEqual({where, ...end(reference)});
  }
  // With all of them the last number is one more than there are.
  if (ALL && isDead(places.at(-1) ?? reference)) throw new Error(`${phase.name} has more writes than that`);
  return told(phase.name, died.length);
}

function told(name: string, cases: number): number {
  lines.push(`${String(cases).padStart(4)}  ${name}`);
  total += cases;
  return cases;
}

describe('the operator is killed before and after a write', () => {
  test(
    'of a creation',
    async () => {
      expect(await play({name: 'create', happens: create, done: isReady})).toBeGreaterThanOrEqual(SOME);
    },
    2 * WITHIN_MS,
  );

  test(
    'of a change of the spec',
    async () => {
      const cases = await play({
        name: 'spec change',
        happens: ({namespace}) => harness.admin.mergePatch(FRAISEQLAUTH, {namespace, name: 'auth'}, CHANGE),
        done: (sight) => isReady(sight) && isTidy(sight),
      });
      expect(cases).toBeGreaterThanOrEqual(SOME);
    },
    2 * WITHIN_MS,
  );

  test(
    'of a change of a Secret',
    async () => {
      const before = await cluster.see();
      const cases = await play({
        name: 'Secret change',
        happens: ({namespace}) =>
          harness.admin.mergePatch<KubeObject>(
            RESOURCES.Secret,
            {namespace, name: 'keycloak-client'},
            {stringData: {'client-secret': 'another'}},
          ),
        done: (sight, {namespace}) => {
          const old = before.get(namespace);
          return (
            old !== undefined && isReady(sight) && isTidy(sight) && secretsHash(sight) !== secretsHash(old)
          );
        },
      });
      expect(cases).toBeGreaterThanOrEqual(SOME);
    },
    2 * WITHIN_MS,
  );

  test(
    'of a migration to the schema of a new version, and of the roll-out after it',
    async () => {
      const version = NEXT;
      const cases = await play({
        name: 'migration',
        version,
        happens: () => Promise.resolve(),
        done: (sight) =>
          isReady(sight) &&
          isTidy(sight) &&
          sight.resource.status?.schema?.current === version.schemaVersion &&
          imageOf(sight) === version.image,
      });
      expect(cases).toBeGreaterThanOrEqual(SOME);
    },
    2 * WITHIN_MS,
  );

  test(
    'of nothing: the resource is deleted before or after that, and goes with all that belongs to it',
    async () => {
      const from = new Date();
      // Dead from the beginning where it is killed before.
      const {deaths} = deathsIn(
        places.map((place) => ({...place, n: place.when === 'before' ? 0 : Infinity})),
      );
      const first = await harness.operate({wrap: dyingIn(deaths), version: NEXT});
      await first.synced();
      await Promise.all(places.map(remove));
      await cluster.collect();
      await cluster.rest();
      await first.stop();
      const second = await harness.operate({version: NEXT});
      await second.synced();
      await cluster.rest();
      await second.stop();
      await expectNothingLeft('deleted when ready', from);
      expect(told('delete', places.length)).toBeGreaterThanOrEqual(SOME);
    },
    2 * WITHIN_MS,
  );

  test(
    'of a creation, in the moment in which the resource is deleted',
    async () => {
      const {deaths, isDead} = deathsIn(places.map((place) => ({...place, meanwhile: () => remove(place)})));
      const first = await harness.operate({wrap: dyingIn(deaths)});
      await Promise.all(places.map(create));
      await until(
        'the operator that dies',
        (seen, place) => isDead(place) || isReady(seen.get(place.namespace)),
      );
      const died = places.filter(isDead);
      await Promise.all(places.map(remove));
      await first.stop();
      const from = new Date();
      const second = await harness.operate();
      await second.synced();
      await cluster.collect();
      await cluster.rest();
      await second.stop();
      await expectNothingLeft('deleted while it was made', from);
      expect(told('delete while it is created', died.length)).toBeGreaterThanOrEqual(SOME);
    },
    2 * WITHIN_MS,
  );
});

const CHANGE = {
  spec: {
    tokens: {accessTTL: '30m'},
    returnToOrigins: ['https://app.example.com'],
    providers: [
      {
        name: 'keycloak',
        type: 'Keycloak',
        displayName: 'Staff',
        issuerURL: 'http://keycloak.idp.svc:8080/realms/dev',
        clientCredentialsSecretRef: {name: 'keycloak-client'},
      },
    ],
  },
};
