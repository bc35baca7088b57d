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

/** One program under one workload for a while. */
export interface Run {
  readonly latenciesMs: readonly number[];
  readonly seconds: number;
  readonly cpuSeconds: number;
  readonly rssMiB: number;
}

export async function measure(
  program: Program,
  exchanges: readonly Exchange[],
  seconds: number,
): Promise<Run> {
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
  return {
    latenciesMs,
    seconds: measured,
    cpuSeconds: usage.after.cpuSeconds - usage.before.cpuSeconds,
    rssMiB: usage.after.rssMiB,
  };
}

/** Of several runs: the median rate, the latencies of all requests, and the most memory, for it does not go away. */
export function figuresOf(runs: readonly Run[]): Figures {
  const rates = runs.map((run) => run.latenciesMs.length / run.seconds).sort((one, other) => one - other);
  const latencies = runs.flatMap((run) => run.latenciesMs).sort((one, other) => one - other);
  const cpuSeconds = runs.reduce((sum, run) => sum + run.cpuSeconds, 0);
  const at = (share: number): number =>
    round(latencies[Math.floor(latencies.length * share)] ?? Number.NaN, 2);
  return {
    rps: Math.round(rates[Math.floor(rates.length / 2)] ?? Number.NaN),
    p50Ms: at(0.5),
    p99Ms: at(0.99),
    cpuSecondsPerThousand: round((cpuSeconds / latencies.length) * 1000, 3),
    rssMiB: Math.round(Math.max(...runs.map((run) => run.rssMiB))),
  };
}

export function round(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}
