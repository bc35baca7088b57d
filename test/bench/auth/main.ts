// How fast the auth server refreshes and verifies, beside a floor (the same work in bare node:http) and beside other
// servers. Loopback, one durable PostgreSQL for all, 32 connections that each send the next request when the last is
// answered. Results: a table, and build/bench/auth.json.
//   SECONDS  of each measured run (5)     ROUNDS  of floor and ours, in turns (5)     PEERS=0  leaves the others out
//   ONLY     RS256 or ES256
import {mkdir, mkdtemp, rm, writeFile} from 'node:fs/promises';
import {cpus, tmpdir} from 'node:os';
import {join} from 'node:path';
import {migrate} from '../../support/server/stack.ts';
import {startPostgres} from '../../support/postgres.ts';
import {environment} from './environment.ts';
import {figuresOf, measure, round, type Figures, type Run} from './figures.ts';
import {FLOOR, OURS, PEERS, type Player, type Workload} from './players.ts';
import type {Program} from './program.ts';

const CONNECTIONS = 32;
const SECONDS = Number(process.env['SECONDS'] ?? '5');
const ROUNDS = Number(process.env['ROUNDS'] ?? '5');
const ALGORITHMS = (['RS256', 'ES256'] as const).filter((name) => (process.env['ONLY'] ?? name) === name);
const PLAYERS = [FLOOR, OURS, ...(process.env['PEERS'] === '0' ? [] : PEERS)];
const STARTS = 3;
/** Of PostgreSQL's log, made beforehand. */
const SEGMENTS = 12;

interface Result {
  readonly floor: Figures;
  readonly ours: Figures;
  /** Ours to the floor, by requests a second. */
  readonly ratio: number;
  readonly peers: Readonly<Record<string, Figures>>;
}

const directory = await mkdtemp(join(tmpdir(), 'bench-auth-'));
const postgres = await startPostgres({durable: true});
await migrate(postgres.url);
await fillLog();

/**
 * A server that has run for a while writes its log over segments that it has; a new one makes each when it comes to it,
 * 16 MB at once, and whoever commits in that moment waits for it.
 */
async function fillLog(): Promise<void> {
  const segment = "SELECT pg_logical_emit_message(false, 'bench', 'x'); SELECT pg_switch_wal()";
  for (let segments = 0; segments < SEGMENTS; segments++) await postgres.asSuperuser(segment);
  await postgres.asSuperuser('CHECKPOINT');
}

/** Milliseconds from start to the first 200 of our server: the median of several starts, alone on the machine. */
async function coldStart(env: Record<string, string>): Promise<number> {
  const times: number[] = [];
  for (let start = 0; start < STARTS; start++) {
    const program = await OURS.start(env, join(directory, 'start.log'));
    times.push(program.startMs);
    await program.stop();
  }
  return Math.round(times.sort((one, other) => one - other)[Math.floor(STARTS / 2)] ?? Number.NaN);
}

async function compare(
  workload: Workload,
  programs: ReadonlyMap<Player, Program>,
  env: Record<string, string>,
): Promise<Result> {
  const runs = new Map<Player, Run[]>();
  // In turns, so that what else the machine does meets all of them.
  for (let turn = 0; turn < ROUNDS; turn++) {
    for (const [player, program] of programs) {
      if (turn > 0 && PEERS.includes(player)) continue;
      const clients = await player.clients(program, env, workload, CONNECTIONS);
      runs.set(player, [...(runs.get(player) ?? []), await measure(program, clients, SECONDS)]);
    }
  }
  const of = (player: Player): Figures => figuresOf(runs.get(player) ?? []);
  const peers = PLAYERS.filter((player) => PEERS.includes(player));
  return {
    floor: of(FLOOR),
    ours: of(OURS),
    ratio: round(of(OURS).rps / of(FLOOR).rps, 2),
    peers: Object.fromEntries(peers.map((player) => [player.name, of(player)])),
  };
}

const results: Record<string, Result> = {};
let coldStartMs = 0;
for (const algorithm of ALGORITHMS) {
  const env = environment(postgres.url, algorithm);
  coldStartMs ||= await coldStart(env);
  const programs = new Map<Player, Program>();
  for (const player of PLAYERS)
    programs.set(player, await player.start(env, join(directory, `${player.name}.log`)));
  for (const workload of ['refresh', 'verify'] as const) {
    const result = await compare(workload, programs, env);
    results[algorithm === 'RS256' ? workload : `${workload}${algorithm}`] = result;
    console.log(`\n${workload}, ${algorithm}: ours is ${result.ratio} of the floor`);
    console.table({floor: result.floor, ours: result.ours, ...result.peers});
  }
  for (const program of programs.values()) await program.stop();
}
for (const {name, does} of PLAYERS)
  console.log(`${name.padEnd(14)} refresh: ${does.refresh}\n${' '.repeat(15)}verify:  ${does.verify}`);
console.log(`from start to the first 200: ${coldStartMs} ms, the median of ${STARTS}`);

const file = join(import.meta.dirname, '../../../build/bench/auth.json');
await mkdir(join(file, '..'), {recursive: true});
const report = {
  ...results,
  coldStartMs,
  does: Object.fromEntries(PLAYERS.map(({name, does}) => [name, does])),
  connections: CONNECTIONS,
  seconds: SECONDS,
  rounds: ROUNDS,
  machine: {cpus: cpus().length, model: cpus()[0]?.model, node: process.version},
};
await writeFile(file, `${JSON.stringify(report, undefined, 2)}\n`);
console.log(file);
await postgres.close();
await rm(directory, {recursive: true});
