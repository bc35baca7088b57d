import {spawn, type ChildProcess} from 'node:child_process';
import {randomBytes} from 'node:crypto';
import {existsSync, rmSync} from 'node:fs';
import {mkdir, mkdtemp, readdir, rm} from 'node:fs/promises';
import {homedir, tmpdir} from 'node:os';
import {join} from 'node:path';
import {setTimeout as delay} from 'node:timers/promises';
import {freePort} from './ports.ts';

/** A real S3 server of its own (versitygw over a directory), on a free port of loopback. */
export interface TestS3 {
  readonly endpoint: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** The environment that points `backup` and `restore` at a bucket of this server. */
  environment(bucket: string, prefix?: string): Record<string, string>;
  createBucket(name: string): Promise<void>;
  /** The directory that holds a bucket's objects as plain files. */
  directory(bucket: string): string;
  /** Ends the server at once; connections to it break, then are refused. */
  stop(): Promise<void>;
  /** Starts it again, on the same port with the same data. */
  start(): Promise<void>;
  close(): Promise<void>;
}

/** Starts a server: about a tenth of a second. */
export async function startS3(): Promise<TestS3> {
  const program = await findProgram();
  const root = await mkdtemp(join(tmpdir(), 'fraiseql-s3-'));
  const port = await freePort();
  const endpoint = `http://127.0.0.1:${port}`;
  const accessKeyId = randomBytes(8).toString('hex');
  const secretAccessKey = randomBytes(16).toString('hex');
  let server: ChildProcess | undefined;
  let log = '';
  const killAtExit = (): void => {
    server?.kill('SIGKILL');
    rmSync(root, {recursive: true, force: true, maxRetries: 3});
  };
  process.on('exit', killAtExit);

  async function start(): Promise<void> {
    if (server) return;
    const child = spawn(program, ['--port', `127.0.0.1:${port}`, '--quiet', 'posix', root], {
      env: {PATH: process.env['PATH'], ROOT_ACCESS_KEY: accessKeyId, ROOT_SECRET_KEY: secretAccessKey},
      stdio: ['ignore', 'pipe', 'pipe'],
    });
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
    while (!(await answers(endpoint))) {
      if (server !== child) throw new Error(`the S3 server ended while it started:\n${log}`);
      if (Date.now() > deadline) throw new Error(`the S3 server did not come up:\n${log}`);
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
    await stop();
    process.off('exit', killAtExit);
    await rm(root, {recursive: true, force: true});
  }

  try {
    await start();
  } catch (error) {
    await close();
    throw error;
  }
  return {
    endpoint,
    accessKeyId,
    secretAccessKey,
    environment: (bucket, prefix = '') => ({
      BACKUP_DESTINATION: `s3://${bucket}/${prefix}`,
      S3_ENDPOINT: endpoint,
      S3_FORCE_PATH_STYLE: 'true',
      AWS_ACCESS_KEY_ID: accessKeyId,
      AWS_SECRET_ACCESS_KEY: secretAccessKey,
    }),
    createBucket: async (name) => {
      // The server's buckets are the directories below its root.
      await mkdir(join(root, name));
    },
    directory: (bucket) => join(root, bucket),
    stop,
    start,
    close,
  };
}

async function answers(endpoint: string): Promise<boolean> {
  try {
    await fetch(endpoint, {signal: AbortSignal.timeout(2_000)});
    return true;
  } catch (error) {
    // Not up yet: asked again.
    return !(error instanceof Error);
  }
}

async function findProgram(): Promise<string> {
  const cache = process.env['FRAISEQL_CACHE'] ?? join(homedir(), '.cache/fraiseql-auth');
  const versions = existsSync(cache) ? await readdir(cache) : [];
  const found = [
    ...(process.env['VERSITYGW'] ? [process.env['VERSITYGW']] : []),
    ...versions
      .filter((name) => name.startsWith('versitygw-'))
      .sort()
      .reverse()
      .map((name) => join(cache, name, 'versitygw')),
  ].find((path) => existsSync(path));
  if (found) return found;
  throw new Error(
    `The tests need an S3 server of their own and found no versitygw in ${cache}: run \`make cluster-install\`, ` +
      'or set VERSITYGW to the program.',
  );
}
