import {randomBytes} from 'node:crypto';
import {existsSync} from 'node:fs';
import {delimiter, join} from 'node:path';
import {Redis} from 'ioredis';
import type {TestCertificate} from './certificate.ts';
import {freePort} from './ports.ts';
import {startServer} from './server-process.ts';

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

/** Starts a server: a few milliseconds. With a certificate, for 127.0.0.1 and signed by itself, it speaks TLS only. */
export async function startRedis(certificate?: TestCertificate): Promise<TestRedis> {
  const [port, password] = [await freePort(), randomBytes(12).toString('base64url')];
  const urlAt = (at: number): string => `${certificate ? 'rediss' : 'redis'}://:${password}@127.0.0.1:${at}`;
  const tls = certificate && {ca: certificate.cert};
  const ports = certificate
    ? {
        port: 0,
        'tls-port': port,
        'tls-cert-file': certificate.certPath,
        'tls-key-file': certificate.keyPath,
        'tls-auth-clients': 'no',
      }
    : {port};
  const settings = {...ports, bind: '127.0.0.1', save: '', appendonly: 'no', requirepass: password};
  const server = await startServer({
    name: 'Redis',
    ...findProgram(),
    args: () => Object.entries(settings).flatMap(([name, value]) => [`--${name}`, String(value)]),
    answers: () => answers(urlAt(port), tls),
  });
  const client = new Redis(urlAt(port), {
    lazyConnect: true,
    ...(tls && {tls}),
    maxRetriesPerRequest: 0,
    retryStrategy: () => 50,
    commandTimeout: 5_000,
  });
  client.on('error', () => {});

  async function close(): Promise<void> {
    client.disconnect();
    await server.close();
  }

  try {
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
    stop: server.stop,
    start: server.start,
    close,
  };
}

async function answers(url: string, tls: {ca: string} | undefined): Promise<boolean> {
  const client = new Redis(url, {
    lazyConnect: true,
    ...(tls && {tls}),
    retryStrategy: () => null,
    connectTimeout: 1_000,
  });
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
