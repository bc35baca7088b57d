import {once} from 'node:events';
import type {Redis} from 'ioredis';
import type {Clock} from '../../support/clock.ts';
import type {RedisSettings} from '../../support/configuration/configuration.ts';
import {Dependency, type DependencyOptions} from '../health/dependency.ts';
import type {SharedStore} from './store.ts';

const TIMED_OUT = 'Command timed out';
const CONNECT_MS = 1_000;
const RECONNECT_MS = 100;
const RECONNECT_MAX_MS = 1_000;

interface RedisStoreOptions {
  /** REDIS_URL. */
  readonly url: string;
  /** Over TLS, and by whom its certificate has to be signed. */
  readonly tls: RedisSettings['tls'];
  /** Stands before every key, so that services that share a server do not meet. */
  readonly prefix: string;
  readonly clock: Clock;
  /** Milliseconds between two looks while it is well, and while it is not. */
  readonly goodMs: number;
  readonly badMs: number;
  /** How long one command may take. */
  readonly commandMs: number;
  readonly onChange: DependencyOptions['onChange'];
}

/**
 * Redis behind a deadline and a breaker: the first command that fails opens it, and until a look in the background finds
 * Redis well again nobody waits for it.
 */
export class RedisStore implements SharedStore {
  readonly health: Dependency;
  readonly #redis: Redis;
  readonly #prefix: string;
  readonly #clock: Clock;
  readonly #commandMs: number;

  private constructor(redis: Redis, options: RedisStoreOptions) {
    this.#redis = redis;
    this.#prefix = options.prefix;
    this.#clock = options.clock;
    this.#commandMs = options.commandMs;
    this.health = new Dependency({
      name: 'redis',
      probe: () => this.#probe(),
      fault: redisFault,
      clock: options.clock,
      goodMs: options.goodMs,
      badMs: options.badMs,
      threshold: 1,
      onChange: options.onChange,
    });
  }

  /** Begins to connect; whether it can is told by `health`. The library is loaded only where it is needed. */
  static async open(options: RedisStoreOptions): Promise<RedisStore> {
    // By the default export alone: in the bundle what CommonJS exports by name is not seen from outside.
    const {
      default: {Redis},
    } = await import('ioredis');
    const redis = new Redis(options.url, {
      lazyConnect: true,
      // Said here, for the library reads the scheme by its letters: it would take REDISS:// for no TLS.
      ...(options.tls && {tls: options.tls}),
      connectTimeout: CONNECT_MS,
      // Commands have a deadline of their own; this one is for those that the library sends by itself.
      commandTimeout: 4 * options.commandMs,
      // What cannot be asked now is not asked later: a command that waits is worth less than none.
      enableOfflineQueue: false,
      autoResendUnfulfilledCommands: false,
      maxRetriesPerRequest: 0,
      retryStrategy: (times) =>
        Math.min(RECONNECT_MAX_MS, RECONNECT_MS * 2 ** Math.min(times, 6)) * (0.5 + Math.random() / 2),
      // A server that was made a replica takes no writes: the name leads to another one by now.
      reconnectOnError: (error) => error.message.startsWith('READONLY'),
      connectionName: 'fraiseql-auth',
      keepAlive: 10_000,
    });
    // What goes wrong is told by the commands; without a listener it would end the process.
    redis.on('error', () => {});
    return new RedisStore(redis, options);
  }

  /** Connects, and looks for the first time; resolves when that has ended, however it did. */
  start(): Promise<void> {
    this.#redis.connect().catch(() => {});
    return this.health.start();
  }

  stop(): void {
    this.health.stop();
    this.#redis.disconnect();
  }

  async get(key: string): Promise<string | undefined> {
    return (await this.#ask(() => this.#redis.get(this.#prefix + key))) ?? undefined;
  }

  async set(key: string, value: string, ttlMs: number): Promise<void> {
    await this.#ask(() => this.#redis.set(this.#prefix + key, value, 'PX', Math.max(1, Math.floor(ttlMs))));
  }

  run(script: string, key: string, values: readonly (string | number)[]): Promise<number | undefined> {
    return this.#ask(async () => Number(await this.#redis.eval(script, 1, this.#prefix + key, ...values)));
  }

  async #ask<T>(command: () => Promise<T>): Promise<T | undefined> {
    if (this.health.state !== 'up') return undefined;
    try {
      return await this.#inTime(command());
    } catch (error) {
      this.health.record(error);
      this.health.suspect();
      return undefined;
    }
  }

  /**
   * Rejects where the answer takes too long. What has arrived while this process was busy itself is read first: Redis is
   * not to blame for that.
   */
  #inTime<T>(answer: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const late = (): void => reject(new Error(TIMED_OUT));
      const timer = this.#clock.setTimeout(() => setImmediate(late), this.#commandMs);
      answer.then(resolve, reject).finally(() => timer.cancel());
    });
  }

  /** Waits for the attempt to connect that is under way, or the next one. */
  async #ready(): Promise<void> {
    const over = new AbortController();
    const signal = AbortSignal.any([over.signal, AbortSignal.timeout(CONNECT_MS)]);
    const closed = once(this.#redis, 'close', {signal}).then(() => {
      throw new Error('the connection was closed');
    });
    try {
      await Promise.race([once(this.#redis, 'ready', {signal}), closed]);
    } finally {
      over.abort();
    }
  }

  /** By a write: a server that only answers questions is of no use. */
  async #probe(): Promise<void> {
    try {
      if (this.#redis.status !== 'ready') await this.#ready();
      await this.#inTime(this.#redis.set(`${this.#prefix}probe`, '1', 'PX', 60_000));
    } catch (error) {
      // A connection that says nothing may be dead without anybody knowing.
      if (this.#redis.status === 'ready' || this.#redis.status === 'connect') this.#redis.disconnect(true);
      throw error;
    }
  }
}

/** Why it cannot be used, in the words of the metric `fraiseql_auth_dependency_error`. */
function redisFault(error: unknown): string {
  const {message, name, code} = {message: '', name: '', code: '', ...asRecord(error)};
  if (/^(NOAUTH|WRONGPASS|ERR (invalid|AUTH))/.test(message)) return 'authentication_failed';
  if (message.startsWith('NOPERM')) return 'permission_denied';
  if (message.startsWith('OOM')) return 'out_of_memory';
  if (message.startsWith('READONLY')) return 'read_only';
  if (/CERT|SIGNATURE|ISSUER/.test(code)) return 'certificate_invalid';
  if (code === 'EPROTO' || code.startsWith('ERR_SSL_')) return 'tls_failed';
  if (message === TIMED_OUT || name === 'AbortError' || code === 'ETIMEDOUT') return 'timeout';
  return 'unreachable';
}

function asRecord(error: unknown): {message?: string; name?: string; code?: string} {
  if (!(error instanceof Error)) return {};
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  return {message: error.message, name: error.name, code};
}
