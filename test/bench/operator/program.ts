import {spawn, type ChildProcess} from 'node:child_process';
import {once} from 'node:events';
import {createWriteStream} from 'node:fs';
import {readFile} from 'node:fs/promises';
import {resolve} from 'node:path';
import {setTimeout as delay} from 'node:timers/promises';
import {IMAGE} from '../../support/fraiseqlauths.ts';
import {freePort} from '../../support/ports.ts';

const ROOT = resolve(import.meta.dirname, '../../..');

/** The samples of one reading of /metrics, by name and labels as they stand there. */
export type Samples = ReadonlyMap<string, number>;

/** The built program, started as users start it, and what can be seen of it from outside. */
export class Program {
  readonly #process: ChildProcess;
  readonly #metrics: number;
  readonly #log: string;

  private constructor(process: ChildProcess, metrics: number, log: string) {
    this.#process = process;
    this.#metrics = metrics;
    this.#log = log;
  }

  /** Starts it; what it says is appended to `log`. `nodeFlags` are for profiling. */
  static async start(kubeconfig: string, log: string, nodeFlags: readonly string[] = []): Promise<Program> {
    const [health, metrics] = [await freePort(), await freePort()];
    const program = resolve(ROOT, 'dist/main.js');
    const {settings, flags} = await firstLine(program);
    const child = spawn(process.execPath, [...flags, ...nodeFlags, program, 'operator'], {
      env: {
        ...settings,
        PATH: process.env['PATH'],
        KUBECONFIG: kubeconfig,
        OPERATOR_IMAGE: IMAGE,
        POD_NAMESPACE: 'default',
        HEALTH_PORT: String(health),
        METRICS_PORT: String(metrics),
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const file = createWriteStream(log, {flags: 'a'});
    child.stdout?.pipe(file, {end: false});
    child.stderr?.pipe(file, {end: false});
    child.once('close', () => file.end());
    return new Program(child, metrics, log);
  }

  /** With what it ended, where it did; by a signal: 0. */
  get ended(): number | undefined {
    const {exitCode, signalCode} = this.#process;
    return exitCode ?? (signalCode === null ? undefined : 0);
  }

  get pid(): number {
    return this.#process.pid ?? 0;
  }

  /** What /metrics says now; undefined while nobody answers there. */
  async metrics(): Promise<Samples | undefined> {
    const answer = await fetch(`http://127.0.0.1:${this.#metrics}/metrics`).catch(() => undefined);
    if (answer === undefined) {
      if (this.#process.exitCode === null) return undefined;
      throw new Error(`the operator has ended with ${this.#process.exitCode}; see ${this.#log}`);
    }
    const samples = new Map<string, number>();
    for (const line of (await answer.text()).split('\n')) {
      const space = line.lastIndexOf(' ');
      if (space > 0 && !line.startsWith('#'))
        samples.set(line.slice(0, space), Number(line.slice(space + 1)));
    }
    return samples;
  }

  /** What /metrics says now. @throws Error when nobody answers there */
  now(): Promise<Samples> {
    return this.until('answers', () => true);
  }

  /** Waits until what /metrics says is so. @throws Error after a minute */
  async until(what: string, holds: (samples: Samples) => boolean, everyMs = 25): Promise<Samples> {
    const deadline = performance.now() + 60_000;
    while (performance.now() < deadline) {
      const samples = await this.metrics();
      if (samples !== undefined && holds(samples)) return samples;
      await delay(everyMs);
    }
    throw new Error(`the operator: ${what} not within a minute; see ${this.#log}`);
  }

  /** Resident memory now, and the most that it ever was, in MiB. */
  async resident(): Promise<{now: number; peak: number}> {
    const text = await readFile(`/proc/${this.#process.pid}/status`, 'utf8');
    const field = (name: string): number =>
      Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(text)?.[1]) / 1024;
    return {now: field('VmRSS'), peak: field('VmHWM')};
  }

  /** Ends it at once, as a node that dies does. */
  async kill(): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const ended = once(this.#process, 'exit');
    this.#process.kill('SIGKILL');
    await ended;
  }

  /** Ends it as a cluster does: SIGTERM, and waits. */
  async stop(): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const ended = once(this.#process, 'exit');
    this.#process.kill('SIGTERM');
    await ended;
  }
}

/**
 * How the program's first line starts it, as in the image: with what holds down its memory. Read and not just executed,
 * so that one that is profiled is the same program.
 */
async function firstLine(program: string): Promise<{settings: Record<string, string>; flags: string[]}> {
  const [line = ''] = (await readFile(program, 'utf8')).split('\n', 1);
  const [, words] = /^#!\/usr\/bin\/env -S (.*)$/.exec(line) ?? [];
  if (words === undefined) throw new Error(`${program} does not begin with "#!/usr/bin/env -S": ${line}`);
  const all = words.split(' ');
  const settings = all.filter((word) => /^\w+=/.test(word)).map((word) => word.split('=', 2));
  return {
    settings: Object.fromEntries(settings) as Record<string, string>,
    flags: all.slice(settings.length + 1),
  };
}

/** The sum of the samples of a metric whose labels match. */
export function sum(samples: Samples, metric: string, labels: RegExp = /./): number {
  let total = 0;
  for (const [id, value] of samples) {
    const brace = id.indexOf('{');
    if ((brace < 0 ? id : id.slice(0, brace)) !== metric) continue;
    if (labels.test(brace < 0 ? '{}' : id.slice(brace))) total += value;
  }
  return total;
}
