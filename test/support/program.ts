import {spawn, type ChildProcessByStdio} from 'node:child_process';
import {mkdtemp, readFile, rm} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import type {Readable} from 'node:stream';
import {parseOutcome, type Outcome} from '../../src/support/outcome.ts';
import {MAIN} from './main-module.ts';

/** How a run of the program ended. */
export interface ProgramRun {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** Standard output and standard error together. */
  readonly output: string;
  /** What it left in the file that TERMINATION_LOG names. */
  readonly outcome: Outcome | undefined;
}

/** A run of the program under way. */
export interface RunningProgram {
  readonly child: ChildProcessByStdio<null, Readable, Readable>;
  readonly ended: Promise<ProgramRun>;
}

/**
 * Starts `fraiseql-auth ARGS…` as a process of its own, with this environment and no other but PATH and HOME.
 * `through` is a command that runs it, `main` another build of the program than the usual one.
 */
export async function startProgram(
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  options: {through?: readonly string[]; main?: string} = {},
): Promise<RunningProgram> {
  const directory = await mkdtemp(join(tmpdir(), 'program-'));
  const log = join(directory, 'termination-log');
  const [command = '', ...rest] = [
    ...(options.through ?? []),
    process.execPath,
    options.main ?? MAIN,
    ...args,
  ];
  const child = spawn(command, rest, {
    env: {PATH: process.env['PATH'], HOME: process.env['HOME'], TERMINATION_LOG: log, ...env},
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  const keep = (chunk: Buffer): void => {
    output += chunk.toString();
  };
  child.stdout.on('data', keep);
  child.stderr.on('data', keep);
  const closed = new Promise<{code: number | null; signal: NodeJS.Signals | null}>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => resolve({code, signal}));
  });
  const ended = closed.then(async (end) => {
    const text = await readFile(log, 'utf8').catch(() => '');
    await rm(directory, {recursive: true});
    return {...end, output, outcome: parseOutcome(text)};
  });
  return {child, ended};
}

/** Runs it to its end. */
export async function runProgram(args: readonly string[], env: NodeJS.ProcessEnv): Promise<ProgramRun> {
  return (await startProgram(args, env)).ended;
}
