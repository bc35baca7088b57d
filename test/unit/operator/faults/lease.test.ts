import {afterAll, describe, expect, test} from 'vitest';
import {RESOURCES} from '../../../../src/kube/objects.ts';
import {SCENARIOS} from '../../../support/simulation/scenarios.ts';
import type {Simulation} from '../../../support/simulation/simulation.ts';
import {atWrite, Count, placesIn, play, undisturbed} from './play.ts';

const THIEF = 'thief';
/** Until the next renewal, which finds out, and its way there and back. */
const FOUND_OUT_MS = 2100;
/** Longer than the lease lasts. */
const STOPPED_MS = 20_000;

/** Somebody writes himself into the lease, against all rules. */
function steal({api}: Simulation): void {
  const [lease] = api.list('leases');
  if (lease === undefined) throw new Error('there is no lease');
  const patch = {spec: {holderIdentity: THIEF}};
  api.write(THIEF, {verb: 'merge', type: RESOURCES.Lease, key: lease.metadata, patch});
}

describe.each([
  {
    what: 'stopped at every write for longer than the lease lasts',
    trouble: (simulation: Simulation): void => {
      simulation.leader?.stop(STOPPED_MS);
      simulation.start();
    },
    // Nothing at all is written by who does not hold it.
    graceMs: 0,
  },
  {what: 'robbed of the lease at every write', trouble: steal, graceMs: FOUND_OUT_MS},
])('$what', ({what, trouble, graceMs}) => {
  const count = new Count(what);
  afterAll(() => count.print());
  test.each(SCENARIOS)(
    '$name: the same end, and no more writes of the loser',
    async (scenario) => {
      const {state, counts} = await undisturbed(scenario);
      for (const place of await placesIn(scenario, 'work', 48)) {
        let struck = false;
        const strike = (simulation: Simulation): void => {
          struck = true;
          trouble(simulation);
        };
        const end = await play(
          scenario,
          `${what}, ${place.when} write ${place.n}`,
          (simulation, first) => atWrite(first, place, () => strike(simulation)),
          {graceMs},
        );
        expect({...place, ...end, struck}).toEqual({...place, state, counts, struck: true});
        count.add(scenario.name);
      }
    },
    300_000,
  );
});
