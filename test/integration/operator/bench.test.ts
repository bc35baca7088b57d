import {execFile} from 'node:child_process';
import {mkdtemp, readFile, rm} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join, resolve} from 'node:path';
import {promisify} from 'node:util';
import {afterAll, expect, test} from 'vitest';

const BENCH = resolve(import.meta.dirname, '../../../scripts/bench-operator');
const output = await mkdtemp(join(tmpdir(), 'fraiseql-bench-'));
afterAll(() => rm(output, {recursive: true, force: true}));

const number = expect.any(Number) as number;

test('the bench measures the built program, and that is silent after a restart', async () => {
  const small = '--resources 20 --namespaces 2 --samples 2 --idle-seconds 1 --foreign-secrets 0';
  const {stdout} = await promisify(execFile)(BENCH, [...small.split(' '), '--output', output]);
  expect(stdout).toMatch(/^restart, writes +0 +0$/m);
  const figures = JSON.parse(await readFile(join(output, 'operator.json'), 'utf8')) as object;
  expect(figures).toMatchObject({
    resources: 20,
    floor: {
      objectsPerSecond: number,
      latencyMs: {change: {p99: number, samples: 2}, restore: {p99: number, samples: 2}},
      listSeconds: number,
      eventLoopDelayMs: {p99: number},
    },
    ours: {objectsPerSecond: number},
    ratio: number,
    rssMiB: number,
    restart: {writes: 0, seconds: number},
    latencyMs: {p50: number, p99: number, samples: 4},
    eventLoopDelayMs: {p99: number},
    idleRequestsPerMinute: number,
    cpuMsPerResource: number,
    requestsPerResource: {create: number, apply: number, get: number, patch: number},
  });
});
