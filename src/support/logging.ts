import {destination, pino, type DestinationStream, type Logger} from 'pino';

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
  destination?: DestinationStream,
): Logger {
  const settings = {
    level: options.level ?? 'info',
    base: {component: options.component},
    timestamp: () => `,"time":"${new Date().toISOString()}"`,
    formatters: {level: (label: string) => ({level: label})},
    redact: {paths: SECRET_PATHS, censor: '[redacted]'},
  };
  return destination ? pino(settings, destination) : pino(settings);
}

/** Takes whole lines. */
export interface LineWriter {
  write(line: string): unknown;
}

/** Standard output for lines that are no log entries, in order with the logger's. */
export function lineWriter(): LineWriter {
  return destination({fd: 1, sync: true});
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

/** The modules of RUST_LOG's directives that mean this program, the most particular first; the last: everything. */
const MODULES = ['fraiseql_server::auth', 'fraiseql_server', ''];

function rustLevel(filter: string): string | undefined {
  const levels = new Map<string, string>();
  for (const directive of filter.toLowerCase().split(',')) {
    const [first = '', level] = directive.split('=').map((part) => part.trim());
    if (level !== undefined) levels.set(first, level);
    else if (first !== '') levels.set('', first);
  }
  return MODULES.map((module) => levels.get(module)).find((level) => level !== undefined);
}
