import {afterAll, describe, expect, test} from 'vitest';
import {SCENARIOS} from '../../../support/simulation/scenarios.ts';
import {atWrite, Count, placesIn, play, undisturbed} from './play.ts';

describe.each([
  {of: 'work', what: 'killed at every write, with another in its place', every: 32},
  {of: 'lease', what: 'killed at every write of the lease', every: 64},
] as const)('$what', ({of, what, every}) => {
  const count = new Count(what);
  afterAll(() => count.print());
  test.each(SCENARIOS)(
    '$name: the same end, by the same number of creates and deletes',
    async (scenario) => {
      const {state, counts} = await undisturbed(scenario);
      for (const place of await placesIn(scenario, of, every)) {
        let struck = false;
        const end = await play(scenario, `killed ${place.when} write ${place.n}`, (simulation, first) =>
          atWrite(first, place, () => {
            struck = true;
            first.kill();
            simulation.start();
          }),
        );
        expect({...place, ...end, struck}).toEqual({...place, state, counts, struck: true});
        count.add(scenario.name);
      }
    },
    300_000,
  );
});
