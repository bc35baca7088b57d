import {rmSync} from 'node:fs';
import {chown, mkdtemp, rm} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {setTimeout as delay} from 'node:timers/promises';
import {Client} from 'pg';
import {freePort} from './ports.ts';
import {postgresProcess, run, unprivilegedAccount} from './postgres-process.ts';
import {DURABLE, type TestPostgres} from './postgres.ts';

/** A second PostgreSQL that has everything of a first one, commit by commit. */
export interface Standby {
  readonly port: number;
  readonly adminUrl: string;
  /** Makes it the primary; the first must be gone. */
  promote(): Promise<void>;
  stop(): Promise<void>;
  start(): Promise<void>;
  close(): Promise<void>;
}

const IN_STEP_MS = 60_000;

/**
 * A standby by streaming replication. From its return on no commit of the primary is acknowledged before the standby has
 * it on disk, so that a failover loses nothing that anybody was told.
 */
export async function startStandby(primary: TestPostgres): Promise<Standby> {
  const account = unprivilegedAccount();
  const directory = await mkdtemp(join(tmpdir(), 'fraiseql-standby-'));
  if (account) await chown(directory, account.uid, account.gid);
  const identity = {...(account ? {uid: account.uid, gid: account.gid} : {}), cwd: directory};
  const data = join(directory, 'data');
  const port = await freePort();
  const url = new URL(primary.adminUrl);
  url.port = String(port);
  const adminUrl = url.href;
  const server = postgresProcess({
    bin: primary.bin,
    data,
    sockets: directory,
    port,
    settings: [...DURABLE, 'wal_retrieve_retry_interval=100ms'],
    identity,
    url: adminUrl,
  });
  const killAtExit = (): void => {
    server.kill();
    rmSync(directory, {recursive: true, force: true, maxRetries: 3});
  };
  process.on('exit', killAtExit);
  async function close(): Promise<void> {
    await server.stop();
    process.off('exit', killAtExit);
    await rm(directory, {recursive: true, force: true});
  }
  try {
    await run(
      join(primary.bin, 'pg_basebackup'),
      ['-D', data, '-R', '-X', 'stream', '-c', 'fast', '-d', primary.adminUrl],
      identity,
    );
    await server.start();
    await untilTrue(
      primary.adminUrl,
      "SELECT count(*) = 1 AS yes FROM pg_stat_replication WHERE state = 'streaming'",
    );
    await primary.asSuperuser("ALTER SYSTEM SET synchronous_standby_names = '*'");
    await primary.asSuperuser('SELECT pg_reload_conf()');
    await untilTrue(
      primary.adminUrl,
      "SELECT count(*) = 1 AS yes FROM pg_stat_replication WHERE sync_state = 'sync'",
    );
  } catch (error) {
    await close();
    throw error;
  }
  return {
    port,
    adminUrl,
    async promote() {
      await untilTrue(adminUrl, 'SELECT pg_promote(true, 30) AS yes');
    },
    start: () => server.start(),
    stop: () => server.stop(),
    close,
  };
}

/** Waits until a query's column `yes` is true. */
async function untilTrue(url: string, sql: string): Promise<void> {
  const client = new Client({connectionString: url});
  await client.connect();
  try {
    for (const deadline = Date.now() + IN_STEP_MS; Date.now() < deadline; await delay(20)) {
      const {rows} = await client.query<{yes: boolean}>(sql);
      if (rows[0]?.yes === true) return;
    }
    throw new Error(`waited ${IN_STEP_MS} ms in vain: ${sql}`);
  } finally {
    await client.end();
  }
}
