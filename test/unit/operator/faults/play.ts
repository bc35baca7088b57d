import {expect, vi} from 'vitest';
import {essence} from '../../../support/simulation/essence.ts';
import type {OperatorProcess} from '../../../support/simulation/process.ts';
import {Random} from '../../../support/simulation/random.ts';
import type {Scenario} from '../../../support/simulation/scenario.ts';
import {Simulation} from '../../../support/simulation/simulation.ts';
import {intruders} from '../../../support/simulation/writers.ts';

/** FAULT_ALL=1: every case; without, some of them. */
export const ALL = process.env['FAULT_ALL'] === '1';

/** What is dropped by a watch comes with the next full list, which is due within half an hour and a watch's length. */
export const RELIST_MS = 40 * 60_000;
/** Longer than any process is stopped, or any call waits. */
export const OVER_MS = 90_000;

/** How a scenario ended. */
interface End extends Ended {
  /** Writes of the first operator since all was as before: what came of each, in their order. */
  readonly writes: Readonly<Record<Place['of'], readonly Sent[]>>;
}
/** A write that is refused has no moment after it was done. */
interface Sent {
  done: boolean;
}

interface Ended {
  readonly state: Record<string, unknown>;
  /** Successful creates and deletes by operators, by kind. */
  readonly counts: Record<string, number>;
}

/** What goes wrong meanwhile, and how it ends. Called when the first operator leads, and all is as it was before. */
type Trouble = (simulation: Simulation, first: OperatorProcess) => void | {heal(): Promise<void>};

/** The same for all, so that a case is that of the reference until something strikes. */
const SEED = 1;
const WITHIN_MS = 4 * 60 * 60_000;

/** Runs `work` in a simulation in which every chance comes from the seed. */
export async function simulated<R>(seed: number, work: (simulation: Simulation) => Promise<R>): Promise<R> {
  const chance = new Random(seed ^ 0x5eed);
  const random = vi.spyOn(Math, 'random').mockImplementation(() => chance.next());
  const simulation = new Simulation(seed);
  try {
    return await work(simulation);
  } finally {
    simulation.stopAll();
    random.mockRestore();
  }
}

/**
 * Plays a scenario to its end, with trouble on the way. Nobody but the leader wrote, or one who had been robbed of the
 * lease `graceMs` before at the most; and no pod was missed.
 */
export function play(
  scenario: Scenario,
  where: string,
  trouble: Trouble = () => undefined,
  {graceMs = 0} = {},
): Promise<Ended> {
  return simulated(SEED, async (simulation) => {
    const first = simulation.start();
    await simulation.time.run(60_000, () => first.leading);
    for (const spec of scenario.before ?? []) {
      simulation.spec(spec);
      if (!(await simulation.settle())) throw new Error(`not ready at first: ${simulation.unrest()}`);
    }
    const from = simulation.writes.length;
    const healing = trouble(simulation, first);
    await scenario.happens(simulation);
    await healing?.heal();
    const end = (): boolean => scenario.done?.(simulation) ?? simulation.isReady();
    const rested = await simulation.rest(end, WITHIN_MS);
    if (!rested) throw new Error(`${scenario.name}, ${where}: not at rest: ${simulation.unrest()}`);
    const counts: Record<string, number> = {};
    for (const {verb, kind} of simulation.writes.slice(from)) {
      if (verb !== 'update') counts[`${verb} ${kind}`] = (counts[`${verb} ${kind}`] ?? 0) + 1;
    }
    expect({where, broken: simulation.service.broken}).toEqual({where, broken: []});
    expect({where, intruders: intruders(simulation, graceMs)}).toEqual({where, intruders: []});
    return {state: essence(simulation), counts};
  });
}

const references = new Map<Scenario, Promise<End>>();

/** How a scenario ends without any trouble. */
export function undisturbed(scenario: Scenario): Promise<End> {
  const known = references.get(scenario) ?? counted(scenario);
  references.set(scenario, known);
  return known;
}

async function counted(scenario: Scenario): Promise<End> {
  const writes = {work: [] as Sent[], lease: [] as Sent[]};
  const ended = await play(scenario, 'undisturbed', (_, {client}) => {
    const done = (sent: Sent[]): void => {
      const last = sent.at(-1);
      if (last !== undefined) last.done = true;
    };
    client.beforeWrite = () => void writes.work.push({done: false});
    client.afterWrite = () => done(writes.work);
    client.beforeLease = () => void writes.lease.push({done: false});
    client.afterLease = () => done(writes.lease);
  });
  return {...ended, writes};
}

/** A write of the first operator in a scenario: before it has arrived, or after it was done. */
interface Place {
  readonly of: 'work' | 'lease';
  readonly n: number;
  readonly when: 'before' | 'after';
}

/** Strikes at a write. */
export function atWrite({client}: OperatorProcess, {of, n, when}: Place, strike: () => void): void {
  let writes = 0;
  const before = (): void => {
    if (++writes === n && when === 'before') strike();
  };
  const after = (): void => {
    if (writes === n && when === 'after') strike();
  };
  if (of === 'work') Object.assign(client, {beforeWrite: before, afterWrite: after});
  else Object.assign(client, {beforeLease: before, afterLease: after});
}

/** A lease is renewed as long as a scenario lasts; so many of its writes tell all there is to tell. */
const MOST_OF_LEASE = 12;
let places = 0;

/** Every write of a scenario, before and after; without FAULT_ALL one of so many. */
export async function placesIn(scenario: Scenario, of: Place['of'], every: number): Promise<Place[]> {
  const {writes} = await undisturbed(scenario);
  const told = of === 'work' ? writes.work : writes.lease.slice(0, MOST_OF_LEASE);
  return told
    .flatMap(({done}, index) =>
      (done ? (['before', 'after'] as const) : (['before'] as const)).map((when) => ({
        of,
        n: index + 1,
        when,
      })),
    )
    .filter(() => ALL || places++ % every === 0);
}

/** How many cases there were of each, and in all. */
export class Count {
  readonly #what: string;
  readonly #cases = new Map<string, number>();

  constructor(what: string) {
    this.#what = what;
  }

  add(name: string): void {
    this.#cases.set(name, (this.#cases.get(name) ?? 0) + 1);
  }

  print(): void {
    const total = [...this.#cases.values()].reduce((sum, each) => sum + each, 0);
    const lines = [...this.#cases].map(([name, cases]) => `${String(cases).padStart(4)}  ${name}`);
    console.log(
      `${this.#what} (simulated): ${total} of ${total} ended in the same state\n${lines.join('\n')}`,
    );
  }
}
