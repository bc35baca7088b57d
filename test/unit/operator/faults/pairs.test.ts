import {assert, asyncProperty, integer} from 'fast-check';
import {expect, test} from 'vitest';
import {goodSpecs} from '../../../fixtures/good-specs.ts';
import {difference, essence} from '../../../support/simulation/essence.ts';
import {comeToRest, FIRST_SEED, fresh, giveSecrets, RUNS, silence} from './fresh.ts';
import {simulated} from './play.ts';

test(
  'any spec changed to any other ends as a fresh one of it, and then all is silent',
  async () => {
    let cases = 0;
    await assert(
      asyncProperty(goodSpecs, goodSpecs, integer({min: 1, max: 1000}), async (from, to, seed) => {
        const wanted = await fresh(to);
        await simulated(seed, async (simulation) => {
          simulation.start();
          giveSecrets(simulation);
          simulation.spec(from);
          // At rest, or still at it.
          await simulation.time.run(simulation.random.between(100, 60_000));
          simulation.spec(to);
          await comeToRest(simulation);
          expect(difference(wanted, essence(simulation, {jobs: false}))).toEqual([]);
          expect(simulation.service.broken).toEqual([]);
          expect(await silence(simulation)).toEqual([]);
          cases++;
        });
      }),
      {numRuns: RUNS, seed: FIRST_SEED, endOnFailure: true},
    );
    console.log(`changes of specs (simulated): ${cases} of ${cases} ended in the same state`);
  },
  60_000 + RUNS * 10_000,
);
