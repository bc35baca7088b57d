// The programs under measurement, each a process of its own.
import {spawn, type ChildProcess} from 'node:child_process';
import {closeSync, openSync, readFileSync} from 'node:fs';
import {setTimeout as delay} from 'node:timers/promises';
import {freePort} from '../../support/ports.ts';

export interface Program {
  readonly port: number;
  readonly pid: number;
  /** Milliseconds from its start to its first 200. */
  readonly startMs: number;
  stop(): Promise<void>;
  /** Ends it as a crash does. */
  kill(): Promise<void>;
}

const running = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/** Starts `COMMAND ARGS…` and waits until GET `path` answers with 200. Its standard output goes into the file `log`; without `port` it listens on any that is free. */
export async function startProgram(
  [command, ...args]: readonly [string, ...string[]],
  env: Readonly<Record<string, string>>,
  path: string,
  log: string,
  port?: number,
): Promise<Program> {
  port ??= await freePort();
  const output = openSync(log, 'a');
  const started = performance.now();
  const child = spawn(command, args, {
    env: {PATH: process.env['PATH'], NODE_ENV: 'production', ...env, PORT: String(port)},
    stdio: ['ignore', output, 'inherit'],
  });
  closeSync(output);
  running.add(child);
  const gone = new Promise<void>((resolve) => {
    child.once('exit', () => {
      running.delete(child);
      resolve();
    });
  });
  for (;;) {
    const answer = await fetch(`http://127.0.0.1:${port}${path}`).catch((error: unknown) => {
      if (error instanceof TypeError) return undefined;
      throw error;
    });
    await answer?.body?.cancel();
    if (answer?.status === 200) break;
    if (child.exitCode !== null || performance.now() - started > 20_000)
      throw new Error(`${[command, ...args].join(' ')} does not answer ${path} with 200`);
    await delay(5);
  }
  const end = (signal: NodeJS.Signals): Promise<void> => {
    child.kill(signal);
    return gone;
  };
  return {
    port,
    pid: child.pid ?? 0,
    startMs: performance.now() - started,
    stop: () => end('SIGTERM'),
    kill: () => end('SIGKILL'),
  };
}

/** CPU seconds so far, and resident MiB now, of a process. */
export function usageOf(pid: number): {cpuSeconds: number; rssMiB: number} {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ');
  const rss = /^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return {cpuSeconds: (Number(fields[11]) + Number(fields[12])) / 100, rssMiB: Number(rss) / 1024};
}
