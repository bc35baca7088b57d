import {spawn, type ChildProcess} from 'node:child_process';
import {randomBytes} from 'node:crypto';
import {existsSync, rmSync} from 'node:fs';
import {mkdtemp, rm} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {delimiter, join} from 'node:path';
import {setTimeout as delay} from 'node:timers/promises';
import {Redis} from 'ioredis';
import {freePort} from './ports.ts';

/** A real Redis server of its own, with a password, on a free port of loopback, thrown away at the end. */
export interface TestRedis {
  readonly url: string;
  readonly port: number;
  readonly password: string;
  /** The same server by way of another port, such as a proxy's. */
  urlAt(port: number): string;
  /** A client of the test's own. */
  readonly client: Redis;
  /** Every key, and what it holds where that is a string. */
  dump(): Promise<Record<string, string>>;
  /** Ends it at once; what it held is lost. */
  stop(): Promise<void>;
  /** Starts it again, on the same port, empty. */
  start(): Promise<void>;
  close(): Promise<void>;
}

/** Starts a server: a few milliseconds. */
export async function startRedis(): Promise<TestRedis> {
  const {command, argv0} = findProgram();
  const directory = await mkdtemp(join(tmpdir(), 'fraiseql-redis-'));
  const [port, password] = [await freePort(), randomBytes(12).toString('base64url')];
  const urlAt = (at: number): string => `redis://:${password}@127.0.0.1:${at}`;
  let server: ChildProcess | undefined;
  let log = '';
  const killAtExit = (): void => {
    server?.kill('SIGKILL');
    rmSync(directory, {recursive: true, force: true, maxRetries: 3});
  };
  process.on('exit', killAtExit);
  const client = new Redis(urlAt(port), {
    lazyConnect: true,
    maxRetriesPerRequest: 0,
    retryStrategy: () => 50,
    commandTimeout: 5_000,
  });
  client.on('error', () => {});

  async function start(): Promise<void> {
    if (server) return;
    const settings = {port, bind: '127.0.0.1', save: '', appendonly: 'no', requirepass: password};
    const child = spawn(
      command,
      Object.entries(settings).flatMap(([name, value]) => [`--${name}`, String(value)]),
      {argv0, cwd: directory, stdio: ['ignore', 'pipe', 'pipe']},
    );
    server = child;
    const keep = (chunk: Buffer): void => {
      log = (log + chunk.toString()).slice(-10_000);
    };
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    child.once('exit', () => {
      if (server === child) server = undefined;
    });
    const deadline = Date.now() + 20_000;
    while (!(await answers(urlAt(port)))) {
      if (server !== child) throw new Error(`Redis ended while it started:\n${log}`);
      if (Date.now() > deadline) throw new Error(`Redis did not come up:\n${log}`);
      await delay(20);
    }
  }

  async function stop(): Promise<void> {
    const child = server;
    if (!child) return;
    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await gone;
    server = undefined;
  }

  async function close(): Promise<void> {
    client.disconnect();
    await stop();
    process.off('exit', killAtExit);
    await rm(directory, {recursive: true, force: true});
  }

  try {
    await start();
    await client.connect();
  } catch (error) {
    await close();
    throw error;
  }
  return {
    url: urlAt(port),
    port,
    password,
    urlAt,
    client,
    async dump() {
      const keys = await client.keys('*');
      return Object.fromEntries(
        await Promise.all(keys.sort().map(async (key) => [key, (await client.get(key)) ?? ''] as const)),
      );
    },
    stop,
    start,
    close,
  };
}

async function answers(url: string): Promise<boolean> {
  const client = new Redis(url, {lazyConnect: true, retryStrategy: () => null, connectTimeout: 1_000});
  client.on('error', () => {});
  try {
    await client.connect();
    return (await client.ping()) === 'PONG';
  } catch {
    return false;
  } finally {
    client.disconnect();
  }
}

/**
 * Debian's package redis-tools holds the whole server, under the name of one of its tools, and starts no service; which
 * of them it is, it sees by the name that it is called by.
 */
function findProgram(): {command: string; argv0: string} {
  const found = (name: string): string | undefined =>
    (process.env['PATH'] ?? '')
      .split(delimiter)
      .concat('/usr/bin')
      .map((directory) => join(directory, name))
      .find((path) => existsSync(path));
  const command =
    process.env['REDIS_SERVER'] ??
    found('redis-server') ??
    found('valkey-server') ??
    found('redis-check-rdb') ??
    found('valkey-check-rdb');
  if (command !== undefined)
    return {command, argv0: command.includes('valkey') ? 'valkey-server' : 'redis-server'};
  throw new Error(
    'The tests need a Redis server of their own and found none in PATH. On Debian: apt-get install ' +
      '--no-install-recommends redis-tools. Elsewhere set REDIS_SERVER to the program redis-server or valkey-server.',
  );
}
