import {randomBytes} from 'node:crypto';
import {existsSync} from 'node:fs';
import {mkdir, readdir} from 'node:fs/promises';
import {homedir} from 'node:os';
import {join} from 'node:path';
import {freePort} from './ports.ts';
import {startServer} from './server-process.ts';

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
  const port = await freePort();
  const endpoint = `http://127.0.0.1:${port}`;
  const accessKeyId = randomBytes(8).toString('hex');
  const secretAccessKey = randomBytes(16).toString('hex');
  const {directory, ...server} = await startServer({
    name: 'the S3 server',
    command: await findProgram(),
    args: (root) => ['--port', `127.0.0.1:${port}`, '--quiet', 'posix', root],
    env: {PATH: process.env['PATH'], ROOT_ACCESS_KEY: accessKeyId, ROOT_SECRET_KEY: secretAccessKey},
    answers: () => answers(endpoint),
  });
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
      await mkdir(join(directory, name));
    },
    directory: (bucket) => join(directory, bucket),
    ...server,
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
