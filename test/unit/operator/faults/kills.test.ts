import {describe, expect, test, vi} from 'vitest';
import {essence} from '../../../support/simulation/essence.ts';
import {Random} from '../../../support/simulation/random.ts';
import {SCENARIOS, type Scenario} from '../../../support/simulation/scenarios.ts';
import {Simulation} from '../../../support/simulation/simulation.ts';

/** FAULT_ALL=1: at every write; without, at every fourth. */
const STEP = process.env['FAULT_ALL'] === '1' ? 1 : 4;

interface End {
  readonly state: Record<string, unknown>;
  /** Successful creates and deletes by operators, by kind. */
  readonly counts: Record<string, number>;
  readonly killed: boolean;
}

/** Plays a scenario, with the operator killed before its n-th write arrives, or after it was done; then another takes over. */
async function play(scenario: Scenario, n: number, when: 'before' | 'after', seed: number): Promise<End> {
  const chance = new Random(seed);
  const random = vi.spyOn(Math, 'random').mockImplementation(() => chance.next());
  const simulation = new Simulation(seed);
  try {
    const first = simulation.start();
    await simulation.time.run(60_000, () => first.leading);
    if (scenario.before !== undefined) {
      simulation.spec(scenario.before);
      if (!(await simulation.settle())) throw new Error(`not ready at first: ${simulation.unrest()}`);
    }
    const from = simulation.writes.length;
    let writes = 0;
    const strike = (at: 'before' | 'after'): void => {
      if (at === 'before') writes++;
      if (at !== when || writes !== n) return;
      first.kill();
      simulation.start();
    };
    first.client.beforeWrite = () => strike('before');
    first.client.afterWrite = () => strike('after');
    await scenario.happens(simulation);
    const end = (): boolean => scenario.done?.(simulation) ?? simulation.isReady();
    const rested = await simulation.rest(end);
    if (!rested) throw new Error(`${scenario.name}: not at rest after a kill ${when} write ${n}`);
    const counts: Record<string, number> = {};
    for (const {verb, kind} of simulation.writes.slice(from)) {
      if (verb !== 'update') counts[`${verb} ${kind}`] = (counts[`${verb} ${kind}`] ?? 0) + 1;
    }
    return {state: essence(simulation), counts, killed: first.ended};
  } finally {
    simulation.stopAll();
    random.mockRestore();
  }
}

describe('killed at every write, with another in its place', () => {
  const lines: string[] = [];
  for (const scenario of SCENARIOS) {
    test(`${scenario.name}: the same end, by the same number of creates and deletes`, async () => {
      const reference = await play(scenario, Infinity, 'before', 1);
      let cases = 0;
      for (let n = 1; n < 100; n += STEP) {
        const ends = [await play(scenario, n, 'before', 1), await play(scenario, n, 'after', 1)] as const;
        if (!ends[0].killed) break;
        for (const [index, end] of ends.entries()) {
          const where = `${index === 0 ? 'before' : 'after'} write ${n}`;
          expect({where, ...end, killed: true}).toEqual({where, ...reference, killed: true});
          cases++;
        }
      }
      lines.push(`${String(cases).padStart(4)}  ${scenario.name}`);
      if (scenario.name === SCENARIOS.at(-1)?.name) {
        const total = lines.reduce((sum, line) => sum + Number(line.slice(0, 4)), 0);
        console.log(`kills (simulated): ${total} of ${total} ended in the same state\n${lines.join('\n')}`);
      }
    }, 60_000);
  }
});
