import {afterAll, describe, expect, test} from 'vitest';
import {difference, essence} from '../../../support/simulation/essence.ts';
import type {OperatorProcess} from '../../../support/simulation/process.ts';
import {DEVELOPMENT} from '../../../support/simulation/scenarios.ts';
import type {Simulation} from '../../../support/simulation/simulation.ts';
import {intruders} from '../../../support/simulation/writers.ts';
import {ALL, simulated} from './play.ts';

const SEEDS = ALL ? 50 : 2;
const HANDOVER_MS = 2000;
const TAKEOVER_MS = 20_000;
/** A leader who has not renewed for so long leads no more, by its own clock. */
const SILENT_MS = 10_000;

/** Two operators, and a person who changes the spec again and again, so that whoever leads has always work to do. */
async function busy<R>(
  seed: number,
  work: (simulation: Simulation, first: OperatorProcess) => Promise<R>,
): Promise<R> {
  return simulated(seed, async (simulation) => {
    const {random, time} = simulation;
    const first = simulation.start();
    await time.run(60_000, () => first.leading);
    simulation.start();
    simulation.spec(DEVELOPMENT);
    expect(await simulation.settle()).toBe(true);
    const before = essence(simulation);
    let atWork = true;
    const person = (): void => {
      if (!atWork) return;
      simulation.spec({...DEVELOPMENT, replicas: 1 + random.below(3)});
      time.after(random.between(50, 400), person);
    };
    person();
    await time.run(random.between(500, 4000));
    const result = await work(simulation, first);
    atWork = false;
    simulation.spec(DEVELOPMENT);
    expect(await simulation.settle()).toBe(true);
    expect(difference(before, essence(simulation))).toEqual([]);
    expect(intruders(simulation)).toEqual([]);
    expect(simulation.service.broken).toEqual([]);
    return result;
  });
}

/** How long it takes from now on until somebody else leads; and it writes. */
async function takeover(simulation: Simulation, first: OperatorProcess): Promise<number> {
  const {time} = simulation;
  const from = time.now;
  const others = (): OperatorProcess[] => simulation.living.filter((each) => each !== first);
  expect(await time.run(60_000, () => others().some((each) => each.leading))).toBe(true);
  const tookMs = time.now - from;
  const written = (): boolean => simulation.writes.some(({at, by}) => at > from && by !== first.name);
  expect(await time.run(5000, written)).toBe(true);
  return tookMs;
}

const lines: string[] = [];
let cases = 0;

/** The figures are printed. @returns the greatest */
function figures(name: string, limitMs: number, all: readonly number[]): number {
  const sorted = all.toSorted((a, b) => a - b);
  const [p50, most] = [sorted[Math.floor(sorted.length / 2)] ?? NaN, sorted.at(-1) ?? NaN];
  const said = `p50 ${Math.round(p50)} ms, max ${Math.round(most)} ms, limit ${limitMs} ms`;
  lines.push(`  ${name.padEnd(48)} ${said}`);
  return most;
}

async function withEverySeed(
  work: (simulation: Simulation, first: OperatorProcess) => Promise<number>,
): Promise<number[]> {
  const all: number[] = [];
  for (let seed = 1; seed <= SEEDS; seed++, cases++) all.push(await busy(seed, work));
  return all;
}

describe('two operators, one leader', () => {
  afterAll(() =>
    console.log(`leaders (simulated): ${cases} of ${cases} ended in the same state\n${lines.join('\n')}`),
  );

  test('a graceful handover takes less than two seconds', async () => {
    const took = await withEverySeed((simulation, first) => {
      first.end();
      return takeover(simulation, first);
    });
    expect(figures('another leads after a graceful end', HANDOVER_MS, took)).toBeLessThan(HANDOVER_MS);
  }, 600_000);

  test('after a crash another leads in less than twenty', async () => {
    const took = await withEverySeed((simulation, first) => {
      first.kill();
      return takeover(simulation, first);
    });
    expect(figures('another leads after a crash', TAKEOVER_MS, took)).toBeLessThan(TAKEOVER_MS);
  }, 600_000);

  test('who can no longer renew is silent in less than ten, for ever, and another leads', async () => {
    const silent: number[] = [];
    const took = await withEverySeed(async (simulation, first) => {
      const from = simulation.time.now;
      first.client.line.leaseBlocked = true;
      const tookMs = await takeover(simulation, first);
      await simulation.time.run(5000);
      const last = simulation.writes.findLast(({by}) => by === first.name);
      silent.push(Math.max(0, (last?.at ?? 0) - from));
      expect(first.leading).toBe(false);
      return tookMs;
    });
    expect(figures('another leads when the leader cannot renew', TAKEOVER_MS, took)).toBeLessThan(
      TAKEOVER_MS,
    );
    expect(figures('the last write of who cannot renew', SILENT_MS, silent)).toBeLessThan(SILENT_MS);
  }, 600_000);

  test('who was stopped for longer than the lease lasts writes nothing when it wakes', async () => {
    const took = await withEverySeed(async (simulation, first) => {
      first.stop(30_000);
      const tookMs = await takeover(simulation, first);
      const from = simulation.time.now;
      await simulation.time.run(25_000);
      expect(simulation.writes.filter(({at, by}) => at >= from && by === first.name)).toEqual([]);
      return tookMs;
    });
    expect(figures('another leads when the leader is stopped', TAKEOVER_MS, took)).toBeLessThan(TAKEOVER_MS);
  }, 600_000);
});
