// Our shell scripts on a machine that has other programs than this one.
import {execFile} from 'node:child_process';
import {chmod, mkdtemp, rm, writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join, resolve} from 'node:path';
import {onTestFinished} from 'vitest';

const ROOT = resolve(import.meta.dirname, '../../..');

export interface Outcome {
  readonly code: number;
  /** Both outputs, one after the other. */
  readonly said: string;
}

/** An empty directory, gone after the test. */
export async function scratch(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'fraiseql-scripts-'));
  onTestFinished(() => rm(directory, {recursive: true, force: true}));
  return directory;
}

/** A directory with these programs, each a piece of bash; to stand first on PATH. */
export async function programs(bodies: Readonly<Record<string, string>>): Promise<string> {
  const directory = await scratch();
  for (const [name, body] of Object.entries(bodies)) {
    await writeFile(join(directory, name), `#!/usr/bin/env bash\n${body}\n`);
    await chmod(join(directory, name), 0o755);
  }
  return directory;
}

/** Runs a piece of bash in the checkout's root; variables that are undefined are not set. */
export async function bash(
  script: string,
  env: Readonly<Record<string, string | undefined>> = {},
): Promise<Outcome> {
  return new Promise((done) => {
    execFile(
      'bash',
      ['-c', script],
      {cwd: ROOT, env: {...process.env, ...env}, timeout: 100_000},
      (error, stdout, stderr) => {
        const code = error === null ? 0 : typeof error.code === 'number' ? error.code : -1;
        done({code, said: `${stdout}${stderr}`});
      },
    );
  });
}

/** PATH with that directory before all others. */
export function first(directory: string): string {
  return `${directory}:${process.env['PATH'] ?? ''}`;
}
