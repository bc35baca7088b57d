// How fast the auth server refreshes and verifies, beside a floor: the same work in bare node:http. Loopback, durable
// PostgreSQL, 32 connections that each send the next request when the last is answered. Results: build/bench/auth.json.
import {spawn, type ChildProcess} from 'node:child_process';
import {readFileSync} from 'node:fs';
import {mkdir, writeFile} from 'node:fs/promises';
import {cpus} from 'node:os';
import {join} from 'node:path';
import {setTimeout as delay} from 'node:timers/promises';
import {Client} from 'undici';
import {createPool} from '../../src/database/pool.ts';
import {PROVIDER_TYPES} from '../../src/server/providers/catalogue.ts';
import {Database} from '../../src/server/database.ts';
import {Sessions} from '../../src/server/sessions/sessions.ts';
import {AccessTokens} from '../../src/server/tokens/access-token.ts';
import {KeySet} from '../../src/server/tokens/keys.ts';
import {systemClock} from '../../src/support/clock.ts';
import {loadConfiguration} from '../../src/support/configuration/load.ts';
import {developmentKey} from '../../src/support/configuration/signing-keys.ts';
import {migrate} from '../integration/server/support/stack.ts';
import {freePort} from '../support/ports.ts';
import {startPostgres} from '../support/postgres.ts';

const CONNECTIONS = 32;
const SECONDS = Number(process.env['SECONDS'] ?? '5');
const ROUNDS = Number(process.env['ROUNDS'] ?? '3');
const ROOT = join(import.meta.dirname, '../..');

interface Figures {
  readonly rps: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly cpuSecondsPerThousand: number;
  readonly rssMiB: number;
}
interface Target {
  readonly url: string;
  readonly child: ChildProcess;
  readonly coldStartMs: number;
}

const postgres = await startPostgres({durable: true});
await migrate(postgres.url);
const key = developmentKey('RS256').privateKey?.export({type: 'pkcs8', format: 'pem'}) as string;
const env = {
  DATABASE_URL: postgres.url,
  DATABASE_POOL_SIZE: '20',
  JWT_SIGNING_KEY: key,
  // One client makes all of the requests.
  RATE_LIMITS: 'Off',
  OAUTH_PROVIDER: 'oidc',
  OIDC_ISSUER_URL: 'https://id.invalid',
  OIDC_CLIENT_ID: 'bench',
  OIDC_CLIENT_SECRET: 'a secret for the bench',
  OAUTH_REDIRECT_URI: 'http://localhost:8000/auth/callback',
  SERVER_HOST: '127.0.0.1',
  LOG_LEVEL: 'error',
};
const {configuration} = loadConfiguration({
  env: {...env, PORT: '8000'},
  development: false,
  providerTypes: PROVIDER_TYPES,
  databaseUrlProblem: () => undefined,
});
const pool = createPool({
  url: postgres.url,
  size: CONNECTIONS,
  maxLifetimeSeconds: 0,
  connectTimeoutMs: 60_000,
  statementTimeoutMs: 60_000,
});
const sessions = new Sessions(new Database(pool), configuration.sessions, configuration.tokens.clientId);
const tokens = new AccessTokens(new KeySet(configuration.signingKeys), configuration.tokens, systemClock);

const children: ChildProcess[] = [];
process.on('exit', () => {
  for (const child of children) child.kill('SIGKILL');
});

async function start(args: readonly string[]): Promise<Target> {
  const port = await freePort();
  const started = performance.now();
  const child = spawn(process.execPath, args, {
    env: {PATH: process.env['PATH'], ...env, PORT: String(port)},
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  children.push(child);
  const url = `http://127.0.0.1:${port}`;
  for (;;) {
    try {
      await fetch(`${url}/health/auth`);
      return {url, child, coldStartMs: performance.now() - started};
    } catch (error) {
      if (!(error instanceof TypeError) || performance.now() - started > 20_000) throw error;
      await delay(5);
    }
  }
}

interface Held {
  access: string;
  refresh: string;
}
async function hold(): Promise<Held[]> {
  return Promise.all(
    Array.from({length: CONNECTIONS}, async (_, index) => {
      const identity = {provider: 'oidc', issuer: 'https://id.invalid', subject: `user-${index}`};
      const {session, secret} = await sessions.create(
        {...identity, email: 'a@example.com', name: 'A'},
        'token',
      );
      const {token} = await tokens.issue(session.userId, session.id, session.expiresAt);
      return {access: token, refresh: secret};
    }),
  );
}

const WORKLOADS = {
  async verify(client: Client, held: Held): Promise<number> {
    const {statusCode, body} = await client.request({
      method: 'GET',
      path: '/auth/verify',
      headers: {authorization: `Bearer ${held.access}`},
    });
    await body.dump();
    return statusCode;
  },
  async refresh(client: Client, held: Held): Promise<number> {
    const {statusCode, body} = await client.request({
      method: 'POST',
      path: '/auth/refresh',
      headers: {'content-type': 'application/json'},
      body: JSON.stringify({refresh_token: held.refresh}),
    });
    const answer = (await body.json()) as {refresh_token: string};
    held.refresh = answer.refresh_token;
    return statusCode;
  },
};
type Workload = keyof typeof WORKLOADS;

/** CPU seconds and resident MiB of a process so far. */
function usage(pid: number): {cpu: number; rssMiB: number} {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ');
  const rss = /^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return {cpu: (Number(fields[11]) + Number(fields[12])) / 100, rssMiB: Number(rss) / 1024};
}

async function measure(target: Target, workload: Workload): Promise<Figures> {
  const all = await hold();
  const clients = all.map(() => new Client(target.url));
  const latencies: number[] = [];
  let counting = false;
  let end = Number.POSITIVE_INFINITY;
  const work = Promise.all(
    clients.map(async (client, index) => {
      const held = all[index] as Held;
      while (performance.now() < end) {
        const at = performance.now();
        const status = await WORKLOADS[workload](client, held);
        if (status !== 200) throw new Error(`${workload} answered ${status}`);
        if (counting) latencies.push(performance.now() - at);
      }
    }),
  );
  await delay(1_000);
  counting = true;
  const pid = target.child.pid ?? 0;
  const before = usage(pid);
  const started = performance.now();
  end = started + SECONDS * 1000;
  await work;
  const seconds = (performance.now() - started) / 1000;
  const after = usage(pid);
  await Promise.all(clients.map((client) => client.close()));
  latencies.sort((one, other) => one - other);
  const at = (share: number): number => round(latencies[Math.floor(latencies.length * share)] ?? 0, 2);
  return {
    rps: Math.round(latencies.length / seconds),
    p50Ms: at(0.5),
    p99Ms: at(0.99),
    cpuSecondsPerThousand: round(((after.cpu - before.cpu) / latencies.length) * 1000, 3),
    rssMiB: Math.round(after.rssMiB),
  };
}

const round = (value: number, digits: number): number => Number(value.toFixed(digits));
const median = (runs: Figures[]): Figures =>
  runs.toSorted((one, other) => one.rps - other.rps)[Math.floor(runs.length / 2)] as Figures;

const floor = await start([join(import.meta.dirname, 'auth-floor.ts')]);
const ours = await start([join(ROOT, 'dist/main.js'), 'serve']);
await delay(1_000);
const results: Record<string, unknown> = {};
const table = [];
for (const workload of ['refresh', 'verify'] as const) {
  const runs = {floor: [] as Figures[], ours: [] as Figures[]};
  // In turns, so that what else the machine does meets both.
  for (let round = 0; round < ROUNDS; round++) {
    runs.floor.push(await measure(floor, workload));
    runs.ours.push(await measure(ours, workload));
  }
  const [least, own] = [median(runs.floor), median(runs.ours)];
  const ratio = round(own.rps / least.rps, 2);
  results[workload] = {floor: least, ours: own, ratio};
  table.push({workload, program: 'floor', ...least}, {workload, program: 'ours', ...own, ratio});
}
console.table(table);
console.log(`from start to the first answer: ${Math.round(ours.coldStartMs)} ms`);
await mkdir(join(ROOT, 'build/bench'), {recursive: true});
const file = join(ROOT, 'build/bench/auth.json');
const machine = {cpus: cpus().length, model: cpus()[0]?.model, node: process.version};
await writeFile(
  file,
  `${JSON.stringify({...results, coldStartMs: Math.round(ours.coldStartMs), connections: CONNECTIONS, seconds: SECONDS, rounds: ROUNDS, machine}, undefined, 2)}\n`,
);
console.log(file);
for (const child of children) child.kill('SIGTERM');
await pool.end();
await postgres.close();
