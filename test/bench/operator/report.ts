import {quantile} from './latency.ts';
import type {Run} from './floor.ts';
import type {Row} from './scenario.ts';

const rate = (run: Run): number => run.objects / run.seconds;
const rounded = (value: number, digits = 1): number => Number(value.toFixed(digits));

function latency(values: readonly number[]): {p50: number; p99: number; samples: number} {
  return {p50: rounded(quantile(values, 0.5)), p99: rounded(quantile(values, 0.99)), samples: values.length};
}

function rowFigures(row: Row): Record<string, unknown> {
  const {rss} = row;
  return {
    resources: row.resources,
    floor: {
      objectsPerSecond: rounded(rate(row.floor)),
      seconds: rounded(row.floor.seconds),
      latencyMs: {change: latency(row.floor.latencies.change), restore: latency(row.floor.latencies.restore)},
      listSeconds: rounded(row.floor.listSeconds, 2),
      eventLoopDelayMs: {p99: rounded(row.floor.eventLoopMs)},
    },
    ours: {objectsPerSecond: rounded(rate(row.ours)), seconds: rounded(row.ours.seconds)},
    ratio: rounded(rate(row.ours) / rate(row.floor), 3),
    rssMiB: rounded(rss.settled),
    rss: Object.fromEntries(Object.entries(rss).map(([name, value]) => [name, rounded(value)])),
    restart: {writes: row.restart.writes, seconds: rounded(row.restart.seconds, 2)},
    latencyMs: {
      ...latency([...row.idle.change, ...row.idle.restore]),
      idle: {change: latency(row.idle.change), restore: latency(row.idle.restore)},
      burst: {change: latency(row.busy.change), restore: latency(row.busy.restore)},
    },
    eventLoopDelayMs: {p99: rounded(row.eventLoopMs.burst), idle: rounded(row.eventLoopMs.idle)},
    cpuMsPerResource: rounded(row.cpuMsPerResource),
    idleRequestsPerMinute: rounded(row.idleRequestsPerMinute),
    requestsPerResource: Object.fromEntries(
      Object.entries(row.requests).map(([verb, count]) => [verb, rounded(count, 2)]),
    ),
  };
}

/** What goes into the file: the largest row's figures by name, and all rows. */
export function figuresOf(rows: readonly Row[]): Record<string, unknown> {
  const largest = rows.toSorted((a, b) => a.resources - b.resources).at(-1);
  return {...(largest && rowFigures(largest)), rows: rows.map(rowFigures)};
}

/** What a person reads: a line a figure, a column a row, and the goal. */
export function table(rows: readonly Row[]): string {
  const latencies = (pick: (row: Row) => readonly number[]): string[] =>
    rows.map((row) => `${quantile(pick(row), 0.5).toFixed(0)} / ${quantile(pick(row), 0.99).toFixed(0)}`);
  const lines: (readonly [string, readonly string[], string])[] = [
    ['resources (11 children each)', rows.map((row) => String(row.resources)), ''],
    ['floor, objects/s', rows.map((row) => rate(row.floor).toFixed(0)), ''],
    ['operator, objects/s', rows.map((row) => rate(row.ours).toFixed(0)), ''],
    ['of the floor', rows.map((row) => (rate(row.ours) / rate(row.floor)).toFixed(2)), '>= 0.70'],
    ['memory after the burst, MiB', rows.map((row) => row.rss.settled.toFixed(0)), '<= 150'],
    ['  most ever', rows.map((row) => row.rss.peak.toFixed(0)), ''],
    ['  after a restart', rows.map((row) => row.rss.restarted.toFixed(0)), '<= 150'],
    ['  and at rest, 12 s later', rows.map((row) => row.rss.restartedAtRest.toFixed(0)), '<= 150'],
    ['  most ever, in a restart', rows.map((row) => row.rss.restartedPeak.toFixed(0)), ''],
    ['  and with foreign Secrets', rows.map((row) => row.rss.foreign?.toFixed(0) ?? '-'), '<= +10'],
    ['  restarted among them', rows.map((row) => row.rss.foreignRestarted?.toFixed(0) ?? '-'), ''],
    ['  and at rest', rows.map((row) => row.rss.foreignRestartedAtRest?.toFixed(0) ?? '-'), ''],
    ['restart, writes', rows.map((row) => String(row.restart.writes)), '0'],
    ['restart until in sync, s', rows.map((row) => row.restart.seconds.toFixed(2)), '< 3'],
    ['  floor: all of it read once', rows.map((row) => row.floor.listSeconds.toFixed(2)), ''],
    ['spec change -> child, ms p50 / p99', latencies((row) => row.idle.change), '< 60'],
    ['  floor: a bare watch and apply', latencies((row) => row.floor.latencies.change), ''],
    ['deleted child back, ms p50 / p99', latencies((row) => row.idle.restore), '< 60'],
    ['  floor: a bare watch and create', latencies((row) => row.floor.latencies.restore), ''],
    ['  change during the burst', latencies((row) => row.busy.change), '< 2000'],
    ['  back during the burst', latencies((row) => row.busy.restore), '< 2000'],
    ['event-loop delay p99, burst, ms', rows.map((row) => row.eventLoopMs.burst.toFixed(0)), '< 50'],
    ['  floor: the bare loop', rows.map((row) => row.floor.eventLoopMs.toFixed(0)), ''],
    ['  idle', rows.map((row) => row.eventLoopMs.idle.toFixed(0)), ''],
    ['CPU of a resource in the burst, ms', rows.map((row) => row.cpuMsPerResource.toFixed(0)), ''],
    ['idle, requests a minute', rows.map((row) => row.idleRequestsPerMinute.toFixed(0)), ''],
    [
      'requests a resource (reads + writes)',
      rows.map(({requests: {get = 0, list = 0, watch = 0, ...writes}}) => {
        const written = Object.values(writes).reduce((total, each) => total + each, 0);
        return `${(get + list + watch).toFixed(1)} + ${written.toFixed(1)}`;
      }),
      '',
    ],
  ];
  return lines
    .map(([name, cells, goal]) =>
      [name.padEnd(38), ...cells.map((cell) => cell.padStart(12)), goal.padStart(10)].join(''),
    )
    .join('\n');
}
