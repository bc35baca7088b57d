/** One look at the operator that runs. */
export interface Sample {
  /** Seconds since the start. */
  readonly at: number;
  readonly rssMiB: number;
  readonly connections: number;
  /** The process: another one has another number. */
  readonly pid: number;
}

export interface Soak {
  readonly minutes: number;
  readonly resources: number;
  readonly seed: number;
  readonly node: string;
  /** What was done, and how often. */
  readonly done: Readonly<Record<string, number>>;
  /** Seconds from the last disturbance until all were ready. */
  readonly settleSeconds: number;
  readonly equal: number;
  /** `namespace/name: the lines that differ`, for those that do not equal a fresh one. */
  readonly different: readonly string[];
  /** Of the stretch in which one operator ran on: medians of its first and of its last third. */
  readonly rssMiB: {
    readonly first: number;
    readonly last: number;
    readonly peak: number;
    /** How long the stretch was. */
    readonly seconds: number;
  };
  /** When nothing happens: before all, and after all. */
  readonly connections: {readonly first: number; readonly last: number};
  readonly samples: readonly Sample[];
}

const GROWTH_MIB = 15;
/** A shorter stretch says nothing of memory. */
const LEAST_SECONDS = 300;

/** What is not as it has to be. */
export function verdict({equal, resources, different, rssMiB, connections}: Soak): string[] {
  const failures: string[] = [];
  if (equal !== resources)
    failures.push(
      `${resources - equal} of ${resources} differ from a fresh one: ${different.slice(0, 3).join('; ')}`,
    );
  if (rssMiB.seconds >= LEAST_SECONDS && rssMiB.last > rssMiB.first + GROWTH_MIB)
    failures.push(`memory grew from ${rssMiB.first} to ${rssMiB.last} MiB, and may by ${GROWTH_MIB}`);
  if (connections.last > connections.first + 2)
    failures.push(`${connections.first} connections at the start, and ${connections.last} at the end`);
  return failures;
}

/** What a person reads. */
export function report(soak: Soak): string {
  const lines: (readonly [string, string, string])[] = [
    ['resources', String(soak.resources), ''],
    ['minutes', String(soak.minutes), ''],
    ...Object.entries(soak.done).map(([name, count]) => [`  ${name}`, String(count), ''] as const),
    ['equal to a fresh one', `${soak.equal} of ${soak.resources}`, 'all'],
    ['ready after the last disturbance, s', soak.settleSeconds.toFixed(1), ''],
    ['one operator ran on for, s', String(soak.rssMiB.seconds), ''],
    ['memory, first third, MiB', soak.rssMiB.first.toFixed(0), ''],
    [
      'memory, last third, MiB',
      soak.rssMiB.last.toFixed(0),
      soak.rssMiB.seconds >= LEAST_SECONDS ? `<= +${GROWTH_MIB}` : 'too short',
    ],
    ['memory, most ever, MiB', soak.rssMiB.peak.toFixed(0), ''],
    ['connections before and after', `${soak.connections.first} / ${soak.connections.last}`, '<= +2'],
  ];
  return lines
    .map(([name, value, goal]) => `${name.padEnd(38)}${value.padStart(14)}${goal.padStart(10)}`)
    .join('\n');
}
