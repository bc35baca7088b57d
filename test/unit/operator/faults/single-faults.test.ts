import {afterAll, describe, expect, test} from 'vitest';
import {difference} from '../../../support/simulation/essence.ts';
import {NO_FAULTS, type Faults} from '../../../support/simulation/faults.ts';
import type {Scenario} from '../../../support/simulation/scenario.ts';
import {SCENARIOS} from '../../../support/simulation/scenarios.ts';
import type {Simulation} from '../../../support/simulation/simulation.ts';
import {ALL, Count, OVER_MS, play, RELIST_MS} from './play.ts';

/** Strong enough to strike in nearly every scenario. */
const FAULTS = Object.entries({
  tooManyRequests: 0.3,
  serverError: 0.3,
  conflict: 0.5,
  reset: 0.3,
  answerLost: 0.3,
  unanswered: 0.05,
  lagMs: 4000,
  dropped: 0.2,
  coalesced: 1,
  cut: 0.3,
  expired: 0.5,
  halfOpen: 0.05,
  staleList: 1,
} satisfies Faults) as [keyof Faults, number][];
/** Those of calls. Who sees late what is there may well do something once more. */
const CALLS: ReadonlySet<keyof Faults> = new Set([
  'tooManyRequests',
  'serverError',
  'conflict',
  'reset',
  'answerLost',
  'unanswered',
]);
/** So long it goes on after what happened. */
const MEANWHILE_MS = 60_000;
/** One case of so many. */
const EVERY = ALL ? 1 : 16;

/** A fault while things happen, and then none; or none at all, for as long. */
const under =
  (fault: keyof Faults, share: number) =>
  (simulation: Simulation): {heal: () => Promise<void>} => {
    simulation.faults = {...NO_FAULTS, [fault]: share};
    return {
      async heal() {
        await simulation.time.run(MEANWHILE_MS);
        simulation.faults = NO_FAULTS;
        await simulation.time.run(OVER_MS);
        if (isForgotten(fault)) await simulation.time.run(RELIST_MS);
      },
    };
  };

/** What was lost comes with the next full list. */
function isForgotten(fault: keyof Faults): boolean {
  return fault === 'dropped' || fault === 'halfOpen';
}

type End = Awaited<ReturnType<typeof play>>;
const references = new Map<string, Promise<End>>();

/** How a scenario ends without a fault, after as long: what is refused is tried again meanwhile. */
function reference(scenario: Scenario, fault: keyof Faults): Promise<End> {
  const id = `${scenario.name} ${isForgotten(fault)}`;
  const known = references.get(id) ?? play(scenario, 'undisturbed', under(fault, 0));
  references.set(id, known);
  return known;
}

/** What differs, but for how often what is refused was tried by then: a fault may hold that up. */
async function differences(scenario: Scenario, fault: keyof Faults, share: number): Promise<string[]> {
  const wanted = await reference(scenario, fault);
  const end = await play(scenario, `with ${fault}`, under(fault, share));
  const timeless = ({state}: End): Record<string, unknown> =>
    JSON.parse(JSON.stringify(state).replaceAll(/(tries\\":)\d+/g, '$1N')) as Record<string, unknown>;
  const counted = ({counts}: End): Record<string, unknown> => (CALLS.has(fault) ? {...counts} : {});
  return [...difference(timeless(wanted), timeless(end)), ...difference(counted(wanted), counted(end))];
}

describe('each fault alone', () => {
  const count = new Count('single faults');
  afterAll(() => count.print());
  let cases = 0;
  test.each(FAULTS)(
    '%s, in every scenario: the same end; where calls fail, by the same number of creates and deletes',
    async (fault, share) => {
      const odd: string[] = [];
      for (const scenario of SCENARIOS) {
        if (cases++ % EVERY !== 0) continue;
        const lines = await differences(scenario, fault, share).catch((error: unknown) => [String(error)]);
        if (lines.length > 0) odd.push(`${scenario.name}:\n${lines.slice(0, 9).join('\n')}`);
        else count.add(fault);
      }
      expect(odd.join('\n\n')).toBe('');
    },
    600_000,
  );
});
