import {load, type Exchange} from './generator.ts';
import {usageOf, type Program} from './program.ts';

/** What one program did in one workload. */
export interface Figures {
  readonly rps: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Of the program alone, without the database. */
  readonly cpuSecondsPerThousand: number;
  readonly rssMiB: number;
}

/** Until what a workload calls over and over has been compiled by V8, which takes the longer the more a server does. */
const WARM_UP_MS = 2_000;

export async function measure(
  program: Program,
  exchanges: readonly Exchange[],
  seconds: number,
): Promise<Figures> {
  const usage = {before: usageOf(program.pid), after: usageOf(program.pid)};
  const {latenciesMs, seconds: measured} = await load({
    port: program.port,
    exchanges,
    warmUpMs: WARM_UP_MS,
    measureMs: seconds * 1000,
    onPhase(phase) {
      usage[phase === 'measuring' ? 'before' : 'after'] = usageOf(program.pid);
    },
  });
  const count = latenciesMs.length;
  const at = (share: number): number => round(latenciesMs[Math.floor(count * share)] ?? Number.NaN, 2);
  return {
    rps: Math.round(count / measured),
    p50Ms: at(0.5),
    p99Ms: at(0.99),
    cpuSecondsPerThousand: round(((usage.after.cpuSeconds - usage.before.cpuSeconds) / count) * 1000, 3),
    rssMiB: Math.round(usage.after.rssMiB),
  };
}

/** The run with the median rate; with the most memory of any of them, for memory does not go away. */
export function median(runs: readonly Figures[]): Figures {
  const middle = runs.toSorted((one, other) => one.rps - other.rps)[Math.floor(runs.length / 2)];
  if (middle === undefined) throw new Error('no run to take the median of');
  return {...middle, rssMiB: Math.max(...runs.map((run) => run.rssMiB))};
}

export function round(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}
