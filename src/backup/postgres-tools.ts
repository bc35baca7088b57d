import {spawn, type ChildProcess, type ChildProcessByStdio} from 'node:child_process';
import {mkdtemp, rm, writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import type {Readable} from 'node:stream';
import {getCACertificates} from 'node:tls';
import type {DatabaseTarget} from '../database/url.ts';
import {BackupError, type BackupReason} from './errors.ts';

/** The major version in what a tool or a server says of itself: 15 in "pg_dump (PostgreSQL) 15.18 (Debian …)". */
export function majorOf(text: string): number {
  return Number(/(\d+)(?:\.\d+|beta|rc|devel|$)/.exec(text)?.[1] ?? Number.NaN);
}

/** URL parameters that libpq reads from its environment. */
const LIBPQ: readonly (readonly [parameter: string, variable: string])[] = [
  ['sslmode', 'PGSSLMODE'],
  ['sslrootcert', 'PGSSLROOTCERT'],
  ['sslcert', 'PGSSLCERT'],
  ['sslkey', 'PGSSLKEY'],
  ['options', 'PGOPTIONS'],
  ['channel_binding', 'PGCHANNELBINDING'],
  ['target_session_attrs', 'PGTARGETSESSIONATTRS'],
];

/** The environment for a program of PostgreSQL's. */
export interface ToolEnvironment {
  readonly env: NodeJS.ProcessEnv;
  /** Removes what was written for it; asked when the program has ended. */
  remove(): Promise<void>;
}

/**
 * Makes the environment for one of PostgreSQL's programs. Where the driver checks the server's certificate by the
 * authorities that Node knows, NODE_EXTRA_CA_CERTS among them, they go into a file: libpq would look for one of its own
 * in the home directory, and knows the machine's authorities only from version 16 on.
 */
export async function toolEnvironment(target: DatabaseTarget, tool: string): Promise<ToolEnvironment> {
  const env = libpqEnvironment(target, tool);
  if (env['PGSSLMODE'] !== 'verify-full' || env['PGSSLROOTCERT']) return {env, remove: async () => undefined};
  const directory = await mkdtemp(join(tmpdir(), 'fraiseql-auth-ca-'));
  const file = join(directory, 'root.crt');
  await writeFile(file, `${getCACertificates('default').join('\n')}\n`);
  return {
    env: {...env, PGSSLROOTCERT: file},
    remove: () => rm(directory, {recursive: true, force: true}),
  };
}

/**
 * What tells libpq where to go. The password goes here and never on the command line, which every process on the machine
 * can read. Nothing else of our environment is passed on.
 */
export function libpqEnvironment({parameters, ...target}: DatabaseTarget, tool: string): NodeJS.ProcessEnv {
  const env: NodeJS.ProcessEnv = {
    PATH: process.env['PATH'],
    HOME: process.env['HOME'],
    LC_ALL: 'C',
    PGHOST: target.host,
    PGPORT: String(target.port),
    PGUSER: target.user,
    PGDATABASE: target.database,
    PGPASSWORD: target.password ?? '',
    PGPASSFILE: '/dev/null',
    PGAPPNAME: `fraiseql-auth ${tool}`,
    PGCONNECT_TIMEOUT: '10',
    PGCLIENTENCODING: 'UTF8',
  };
  for (const [parameter, variable] of LIBPQ) {
    const value = parameters.get(parameter);
    if (value) env[variable] = value;
  }
  // The driver's spellings that libpq does not know.
  if (env['PGSSLMODE'] === 'no-verify') env['PGSSLMODE'] = 'require';
  // Without sslmode the driver checks the certificate as soon as anything asks for encryption.
  const asked = ['true', '1'].includes(parameters.get('ssl') ?? '');
  if (!env['PGSSLMODE'] && (asked || env['PGSSLROOTCERT'] || env['PGSSLCERT'] || env['PGSSLKEY'])) {
    env['PGSSLMODE'] = 'verify-full';
  }
  return env;
}

/** Asks a tool for its version, such as "15.18". Throws BackupError where it is not installed. */
export async function toolVersion(tool: string): Promise<string> {
  const child = spawn(tool, ['--version'], {stdio: ['ignore', 'pipe', 'pipe']});
  const {code, stdout, stderr} = await finished(child, tool);
  const version = /\(PostgreSQL\) (\S+)/.exec(stdout)?.[1];
  if (code === 0 && version) return version;
  throw new BackupError(
    reasonOf(tool),
    `${tool} does not tell its version: ${stderr.trim() || stdout.trim() || `exit code ${code}`}`,
    'Install PostgreSQL’s client programs (on Debian: postgresql-client).',
  );
}

async function finished(
  child: ChildProcessByStdio<null, Readable, Readable>,
  tool: string,
): Promise<{code: number | null; stdout: string; stderr: string}> {
  const ended = exitOf(child);
  const output = tail(child.stdout);
  const errors = tail(child.stderr);
  const {code, failure} = await ended;
  if (failure) throw notStarted(tool, failure);
  return {code, stdout: output(), stderr: errors()};
}

/** How a program ended; `failure` where it could not be started at all. */
export interface ProgramEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly failure: Error | undefined;
}

/** Resolves once the program has ended and its pipes are closed. Never rejects. */
export function exitOf(child: ChildProcess): Promise<ProgramEnd> {
  return new Promise((resolve) => {
    let failure: Error | undefined;
    child.once('error', (error) => {
      failure = error;
      // A program that did run ends with `close`; one that never started may not.
      if (child.pid === undefined) resolve({code: null, signal: null, failure});
    });
    child.once('close', (code, signal) => resolve({code, signal, failure: child.pid ? undefined : failure}));
  });
}

/** psql restores, and pg_dump makes backups. */
function reasonOf(tool: string): BackupReason {
  return tool === 'psql' ? 'RestoreFailed' : 'BackupFailed';
}

/** Why a tool did not even start. */
export function notStarted(tool: string, error: Error): BackupError {
  return new BackupError(
    reasonOf(tool),
    `${tool} cannot be started: ${error.message}`,
    'Install PostgreSQL’s client programs (on Debian: postgresql-client).',
    error,
  );
}

/** Collects the last 4 KB of a stream. */
export function tail(stream: Readable): () => string {
  let text = '';
  stream.on('data', (chunk: Buffer) => {
    text = (text + chunk.toString('utf8')).slice(-4_096);
  });
  return () => text;
}

/** What a tool wrote on its error output, as one line without the password. */
export function complaint(text: string, target: DatabaseTarget): string {
  const line = text
    .split('\n')
    .map((part) => part.trim())
    .filter((part) => part !== '')
    .slice(0, 6)
    .join(' ');
  return target.password ? line.replaceAll(target.password, '…') : line;
}
