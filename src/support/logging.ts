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
 * The level that LOG_LEVEL names, else the one that RUST_LOG gives to everything (its first directive without a
 * module: `info` in `info,fraiseql_server::auth=debug`), else info. An unknown word is a mistake to report, so it is
 * returned as undefined.
 */
export function logLevelFrom(env: NodeJS.ProcessEnv): LogLevel | undefined {
  const plain = env['LOG_LEVEL']?.trim().toLowerCase();
  const rust = env['RUST_LOG']
    ?.split(',')
    .map((directive) => directive.trim().toLowerCase())
    .find((directive) => directive !== '' && !directive.includes('='));
  const word = plain || rust || 'info';
  const name = word === 'off' ? 'silent' : word === 'warning' ? 'warn' : word;
  return LEVELS.find((level) => level === name);
}
