import {spawn, type ChildProcess} from 'node:child_process';
import {rmSync} from 'node:fs';
import {mkdtemp, rm} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {setTimeout as delay} from 'node:timers/promises';

interface ServerOptions {
  /** What it is called in errors. */
  readonly name: string;
  readonly command: string;
  readonly argv0?: string;
  readonly args: (directory: string) => readonly string[];
  readonly env?: Record<string, string | undefined>;
  readonly answers: () => Promise<boolean>;
}

/** A server of a test's own, over a directory that is gone at the end, however this process ends. */
export interface ServerProcess {
  readonly directory: string;
  /** Starts it, unless it runs, and waits until it answers. */
  readonly start: () => Promise<void>;
  /** Ends it at once: its connections break, then are refused. */
  readonly stop: () => Promise<void>;
  readonly close: () => Promise<void>;
}

/** Starts one and waits until it answers; throws with the end of its log when it does not. */
export async function startServer(options: ServerOptions): Promise<ServerProcess> {
  const {name, command, argv0 = command, env, answers} = options;
  const directory = await mkdtemp(join(tmpdir(), 'fraiseql-server-'));
  const args = options.args(directory);
  let server: ChildProcess | undefined;
  let log = '';
  const killAtExit = (): void => {
    server?.kill('SIGKILL');
    rmSync(directory, {recursive: true, force: true, maxRetries: 3});
  };
  process.on('exit', killAtExit);

  async function start(): Promise<void> {
    if (server) return;
    const child = spawn(command, args, {argv0, env, cwd: directory, stdio: ['ignore', 'pipe', 'pipe']});
    server = child;
    const keep = (chunk: Buffer): void => {
      log = (log + chunk.toString()).slice(-10_000);
    };
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    child.once('error', (error) => {
      log += error.message;
      if (server === child) server = undefined;
    });
    child.once('exit', () => {
      if (server === child) server = undefined;
    });
    const deadline = Date.now() + 30_000;
    while (!(await answers())) {
      if (server !== child) throw new Error(`${name} ended while it started:\n${log}`);
      if (Date.now() > deadline) throw new Error(`${name} did not come up:\n${log}`);
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
    await rm(directory, {recursive: true, force: true});
  }

  try {
    await start();
  } catch (error) {
    await close();
    throw error;
  }
  return {directory, start, stop, close};
}
