import {setTimeout as delay} from 'node:timers/promises';
import {Client} from 'pg';
import type {Sessions} from '../../../src/server/sessions/sessions.ts';
import {AuthError} from '../../../src/support/errors.ts';
import {migrate} from '../../support/server/stack.ts';
import {startPostgres} from '../../support/postgres.ts';
import {seededRandom} from '../../support/random.ts';
import {environment} from '../auth/environment.ts';
import {storeFor, userOf} from '../auth/sessions.ts';
import {Chaos, plan, type Injected} from './chaos.ts';
import {connect, live, nothingSeen, type Clients, type Seen} from './clients.ts';
import {startReplica} from './replica.ts';

interface RefreshOptions {
  /** Answered refreshes. */
  readonly count: number;
  /** The run ends after this time, however many there were. */
  readonly maxMs: number;
  /** Sessions at the same time. */
  readonly clients: number;
  /** The program's main file. */
  readonly main: string;
  readonly algorithm: 'RS256' | 'ES256';
  readonly seed: number;
  /** Told every ten seconds. */
  readonly onProgress?: (report: RefreshReport) => void;
}

export interface RefreshReport {
  /** Whether it has come to its count, and through all of its faults. */
  readonly complete: boolean;
  readonly seconds: number;
  readonly seen: Readonly<Seen>;
  readonly injected: Readonly<Injected>;
  /** What the database says at the end. A session that was ended was ended for nothing. */
  readonly database?: {readonly sessions: number; readonly ended: number; readonly rotations: number};
}

const PROGRESS_MS = 10_000;

/** Two replicas, one durable database, clients that do nothing wrong, and everything else going wrong. */
export async function runRefreshes(options: RefreshOptions): Promise<RefreshReport> {
  const random = seededRandom(options.seed);
  const postgres = await startPostgres({durable: true});
  await migrate(postgres.url);
  const env = environment(postgres.url, options.algorithm);
  const replicas = await Promise.all([startReplica(options.main, env), startReplica(options.main, env)]);
  const chaos = new Chaos({postgres, replicas, random});
  // Sessions are made by the server's own code, on the first replica's way to the database.
  const url = new URL(postgres.url);
  url.port = String(replicas[0].database.port);
  const store = storeFor({...env, DATABASE_URL: url.href}, 4);

  const started = performance.now();
  const seen = nothingSeen();
  let failed = false;
  const faults = plan(options.count);
  // The clients go on until the last fault is behind them.
  const complete = (): boolean => seen.refreshes >= options.count && faults.length === 0;
  const over = (): boolean => failed || complete() || performance.now() - started > options.maxMs;
  const report = (): RefreshReport => ({
    complete: complete(),
    seconds: Math.round((performance.now() - started) / 1000),
    seen,
    injected: chaos.injected,
  });
  async function breakThings(): Promise<void> {
    for (let [next] = faults; next !== undefined && !over(); [next] = faults) {
      // A fault whose turn comes while the one before is being mended follows at once.
      if (seen.refreshes >= next.at) {
        await chaos.inject(next.fault);
        faults.shift();
      }
      await delay(20);
    }
  }
  const clients: Clients = {
    urls: replicas.map((replica) => replica.url),
    random,
    seen,
    over,
    newSession: sessionMaker(store.sessions),
  };
  const pools = connect(clients, options.clients * 2);
  const progress = setInterval(() => options.onProgress?.(report()), PROGRESS_MS);
  const stop = (error: unknown): never => {
    failed = true;
    throw error;
  };
  try {
    await Promise.all([
      breakThings().catch(stop),
      ...Array.from({length: options.clients}, () => live(pools, clients).catch(stop)),
    ]);
    return {...report(), database: await count(chaos.adminUrl)};
  } finally {
    clearInterval(progress);
    await Promise.all(pools.map((pool) => pool.destroy()));
    await store.pool.end();
    await Promise.all(replicas.map((replica) => replica.close()));
    await chaos.close();
    await postgres.close();
  }
}

/** Gives the refresh token of a new session; waits where the database is away. */
function sessionMaker(sessions: Sessions): () => Promise<string> {
  let users = 0;
  return async () => {
    users++;
    for (;;) {
      try {
        return (await sessions.create(userOf(users), 'token')).secret;
      } catch (error) {
        if (!(error instanceof AuthError && error.status === 503)) throw error;
        await delay(100);
      }
    }
  };
}

async function count(adminUrl: string): Promise<NonNullable<RefreshReport['database']>> {
  const url = new URL(adminUrl);
  url.pathname = '/fraiseql';
  const client = new Client({connectionString: url.href});
  await client.connect();
  try {
    const {rows} = await client.query<{sessions: number; ended: number; rotations: number}>(
      `SELECT count(*)::int AS sessions, count(revoked_at)::int AS ended,
         (SELECT count(*)::int FROM _system.refresh_history) AS rotations
       FROM _system.sessions`,
    );
    const [row] = rows;
    if (row === undefined) throw new Error('the database counts nothing');
    return row;
  } finally {
    await client.end();
  }
}
