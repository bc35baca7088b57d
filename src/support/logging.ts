import {pino, type DestinationStream, type Logger} from 'pino';
import {standardOutput} from './standard-output.ts';

export type {Logger} from 'pino';

const LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
export type LogLevel = (typeof LEVELS)[number];

/** Fields that could hold a secret; whatever reaches the log under these names is blanked. */
const SECRET_PATHS = [
  'password',
  'secret',
  'token',
  'authorization',
  'cookie',
  'clientSecret',
  'databaseUrl',
].flatMap((name) => [name, `*.${name}`, `*.*.${name}`]);

/**
 * A logger that writes one JSON line an entry to standard output (or to `destination`).
 * `component` names the part of the program: server, operator, backup, ….
 */
export function createLogger(
  options: {component: string; level?: LogLevel},
  destination: DestinationStream = standardOutput,
): Logger {
  const settings = {
    level: options.level ?? 'info',
    base: {component: options.component},
    timestamp: () => `,"time":"${new Date().toISOString()}"`,
    formatters: {level: (label: string) => ({level: label})},
    redact: {paths: SECRET_PATHS, censor: '[redacted]'},
  };
  return pino(settings, destination);
}

/**
 * The level that LOG_LEVEL names, else the one that RUST_LOG gives to FraiseQL's auth server, or to its server, or to
 * everything (`debug` in `info,fraiseql_server::auth=debug`; the last of several), else info. An unknown word is a mistake to report, so it is
 * returned as undefined.
 */
export function logLevelFrom(env: NodeJS.ProcessEnv): LogLevel | undefined {
  const plain = env['LOG_LEVEL']?.trim().toLowerCase();
  const word = plain || rustLevel(env['RUST_LOG'] ?? '') || 'info';
  const name = word === 'off' ? 'silent' : word === 'warning' ? 'warn' : word;
  return LEVELS.find((level) => level === name);
}

/** The variable that says the level. */
export const logLevelVariable = (env: NodeJS.ProcessEnv): 'LOG_LEVEL' | 'RUST_LOG' =>
  env['LOG_LEVEL']?.trim() ? 'LOG_LEVEL' : 'RUST_LOG';

/** What it may say. */
export const LOG_LEVEL_PROBLEM = `must be one of ${LEVELS.join(', ')}`;

/** The modules of RUST_LOG's directives that mean this program, the most particular first; the last: everything. */
const MODULES = ['fraiseql_server::auth', 'fraiseql_server', ''];

/** What is no level: of a module that is named alone, everything is told (as Rust's env_logger reads it). */
const MODULE = /[_:]/;

function rustLevel(filter: string): string | undefined {
  const levels = new Map<string, string>();
  // Behind a slash stands what the text of a line must match, and none of ours is left out by that.
  const [directives = ''] = filter.toLowerCase().split('/');
  for (const directive of directives.split(',')) {
    const [first = '', level] = directive.split('=').map((part) => part.trim());
    if (level !== undefined) levels.set(first, level);
    else if (MODULE.test(first)) levels.set(first, 'trace');
    else if (first !== '') levels.set('', first);
  }
  return MODULES.map((module) => levels.get(module)).find((level) => level !== undefined);
}
