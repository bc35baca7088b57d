import {array, assert, asyncProperty, constantFrom, integer, oneof, tuple, type Arbitrary} from 'fast-check';
import {expect, test} from 'vitest';
import {RESOURCES} from '../../../../src/kube/objects.ts';
import {specArbitrary} from '../../../fixtures/spec-arbitraries.ts';
import {ORIGINS} from '../../../fixtures/spec-values.ts';
import {developmentSpec, productionSpec, provider} from '../../../fixtures/specs.ts';
import {difference, essence} from '../../../support/simulation/essence.ts';
import {IMAGES} from '../../../support/simulation/pods.ts';
import type {Simulation} from '../../../support/simulation/simulation.ts';
import {comeToRest, FIRST_SEED, fresh, giveSecrets, RUNS} from './fresh.ts';
import {simulated} from './play.ts';

// Whatever is asked for, what serves goes on serving; and when what was is asked for again, it is as if nothing had been.

type Json = Record<string, unknown>;
const tokens = {algorithm: 'ES256'};
const backup = {policy: 'None'};
/** Back from wherever the hostile ones have moved to. */
const previousIssuers = ORIGINS;
const GOOD = [
  developmentSpec({previousIssuers, tokens, replicas: 2}),
  developmentSpec({previousIssuers, tokens, replicas: 3, rollout: {progressDeadline: '30s'}}),
  developmentSpec({previousIssuers, tokens, replicas: 2, rollout: {check: 'Never', progressDeadline: '1m'}}),
  developmentSpec({previousIssuers, tokens, replicas: 1, rollout: {check: 'Never'}}),
  productionSpec({previousIssuers, tokens, backup}),
  productionSpec({
    previousIssuers,
    tokens,
    backup,
    replicas: 4,
    providers: [provider(), provider({name: 'b'})],
  }),
];

const HASTY = {progressDeadline: '30s'};
/** Changes that are let in, and that no pod survives. */
const FATAL: readonly Json[] = [
  ...Object.values(IMAGES).map((image) => ({image})),
  ...Object.values(IMAGES).map((image) => ({image, rollout: {...HASTY, check: 'Never'}})),
  {pod: {nodeSelector: {zone: 'mars'}}},
  {pod: {nodeSelector: {zone: 'mars'}}, rollout: {...HASTY, check: 'Never'}},
  {resources: {requests: {memory: '999Gi'}, limits: {memory: '999Gi'}}},
  {pod: {extraEnv: [{name: 'NODE_OPTIONS', value: '--require /nowhere'}]}},
  {pod: {extraEnv: [{name: 'A', valueFrom: {secretKeyRef: {name: 'auth-db', key: 'nowhere'}}}]}},
  {pod: {extraEnv: [{name: 'A', valueFrom: {configMapKeyRef: {name: 'nowhere', key: 'x'}}}]}},
  {database: {urlSecretRef: {name: 'nowhere'}}},
  {providers: [provider({clientCredentialsSecretRef: {name: 'nowhere'}})]},
  {replicas: 3, image: IMAGES.unready, rollout: {...HASTY, check: 'Never'}},
  {image: IMAGES.unready, rollout: {...HASTY, onFailure: 'Hold'}},
];

interface Act {
  readonly name: string;
  readonly happens: (simulation: Simulation, good: Json) => void;
}
/** What is wrong beside the spec: Secrets with other values or without, and the world around. */
const BESIDE: readonly Act[] = [
  {
    name: 'a wrong database URL',
    happens: (simulation) => simulation.secret('auth-db', {'database-url': 'postgres://app:wrong@db/auth'}),
  },
  {
    name: 'a wrong client',
    happens: (simulation) =>
      simulation.secret('keycloak-client', {'client-id': 'wrong', 'client-secret': 'hush'}),
  },
  {
    name: 'a client without its secret',
    happens: (simulation) => simulation.secret('keycloak-client', {'client-id': 'auth'}),
  },
  {name: 'no database URL', happens: (simulation) => simulation.delete(RESOURCES.Secret, 'auth-db')},
  {name: 'no provider', happens: (simulation) => void (simulation.outside.provider = 'away')},
  {name: 'no pod starts', happens: (simulation) => void (simulation.outside.podsBecomeReady = false)},
];

const acts: Arbitrary<Act> = oneof(
  specArbitrary.map((spec) => ({
    name: JSON.stringify(spec),
    happens: (simulation: Simulation) => simulation.spec(spec),
  })),
  constantFrom(...FATAL).map((fatal) => ({
    name: JSON.stringify(fatal),
    happens: (simulation: Simulation, good: Json) => simulation.spec({...good, ...fatal}),
  })),
  constantFrom(...BESIDE),
);

/** What a person waits; now and then until all that can end has ended. */
const pauses = oneof(integer({min: 50, max: 60_000}), integer({min: 60_000, max: 1_200_000}));

test(
  'hostile values never lower the number of healthy pods, and what was good before is so again',
  async () => {
    let cases = 0;
    const history = array(tuple(acts, pauses), {minLength: 1, maxLength: 4});
    await assert(
      asyncProperty(constantFrom(...GOOD), history, integer({min: 1, max: 1000}), async (good, all, seed) => {
        const wanted = await fresh(good);
        await simulated(seed, async (simulation) => {
          simulation.start();
          simulation.start();
          giveSecrets(simulation);
          simulation.spec(good);
          expect(await simulation.settle()).toBe(true);
          for (const [{happens}, pauseMs] of all) {
            happens(simulation, good);
            await simulation.time.run(pauseMs);
          }
          Object.assign(simulation.outside, {provider: 'accepts', podsBecomeReady: true});
          giveSecrets(simulation);
          simulation.spec(good);
          await comeToRest(simulation);
          expect(simulation.service.broken).toEqual([]);
          expect(difference(wanted, essence(simulation, {jobs: false}))).toEqual([]);
          cases++;
        });
      }),
      {numRuns: RUNS, seed: FIRST_SEED, endOnFailure: true},
    );
    console.log(
      `hostile values (simulated): ${cases} of ${cases} ended in the same state, and no pod was missed`,
    );
  },
  60_000 + RUNS * 10_000,
);
