// A million refreshes while everything goes wrong that can, and how many clients were logged out for nothing: none may. One
// new access token in ten is shown to the other replica, which must take it.
// Results: a table, and build/bench/refreshes.json.
//   COUNT      refreshes (1000000)       MINUTES  after which it ends in any case (45)
//   CLIENTS    at the same time (48)     ALGORITHM RS256 or ES256 (RS256)     SEED of its chances (1)
import {mkdir, writeFile} from 'node:fs/promises';
import {cpus} from 'node:os';
import {join} from 'node:path';
import {runRefreshes, type RefreshReport} from './run.ts';

const ROOT = join(import.meta.dirname, '../../..');
const FILE = join(ROOT, 'build/bench/refreshes.json');
const option = (name: string, usual: string): string => process.env[name] ?? usual;

// What it started ends when it exits, which a signal alone does not make it do.
for (const [signal, number] of [
  ['SIGINT', 2],
  ['SIGTERM', 15],
] as const)
  process.once(signal, () => process.exit(128 + number));

const settings = {
  count: Number(option('COUNT', '1000000')),
  minutes: Number(option('MINUTES', '45')),
  clients: Number(option('CLIENTS', '48')),
  algorithm: option('ALGORITHM', 'RS256') === 'ES256' ? ('ES256' as const) : ('RS256' as const),
  seed: Number(option('SEED', '1')),
};

/** What there is of a run that is cut short stands in the file. */
async function keep(report: RefreshReport): Promise<void> {
  const machine = {cpus: cpus().length, model: cpus()[0]?.model, node: process.version};
  await mkdir(join(FILE, '..'), {recursive: true});
  await writeFile(FILE, `${JSON.stringify({...settings, ...report, machine}, undefined, 2)}\n`);
}

let keeping = Promise.resolve();
const report = await runRefreshes({
  ...settings,
  maxMs: settings.minutes * 60_000,
  main: join(ROOT, 'dist/main.js'),
  onProgress(sofar) {
    const {seen, injected, seconds} = sofar;
    console.log(
      `${seconds} s: ${seen.refreshes} refreshes, ${seen.falseLogouts} false logouts, ` +
        `${seen.falseDenials} false denials of ${seen.verified} verified; ` +
        `${injected.replicaKills} replica kills, ${injected.databaseCrashes + injected.failovers} database losses`,
    );
    keeping = keeping.then(() => keep(sofar));
  },
});
await keeping;
await keep(report);
console.table({...report.seen, ...report.injected});
const {database, seconds, seen} = report;
console.log(
  `${seen.refreshes} refreshes in ${seconds} s (${database?.rotations ?? 0} rotations, the others the same answer ` +
    `again), ${database?.sessions ?? 0} sessions, of which ${database?.ended ?? 0} were ended`,
);
console.log(FILE);
if (!report.complete) console.log(`not complete: MINUTES=${settings.minutes} were over`);
const bad = seen.falseLogouts > 0 || seen.falseDenials > 0 || database?.ended !== 0;
console.log(bad ? 'THERE WERE FALSE LOGOUTS OR DENIALS' : 'no false logout, no false denial');
process.exitCode = bad ? 1 : report.complete ? 0 : 3;
