import {createHash} from 'node:crypto';
import type {Dispatcher} from 'undici';
import {sleep, systemClock, type Clock} from '../support/clock.ts';
import {versionOf, type AccessSource, type ClusterAccess} from './access.ts';
import {ApiError, apiErrorFrom, transportError} from './errors.ts';
import {deadline, unlessAborted} from './deadline.ts';
import type {ApiMetrics} from './metrics.ts';
import {createPools, retire, type Pools} from './pools.ts';

/** One call, as the transport sees it. */
export interface Call {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** For metrics: get, list, watch, create, apply, patch, delete, log. */
  readonly verb: string;
  /** For messages: what is called, `deployments a/b`. */
  readonly target: string;
  readonly path: string;
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>;
  readonly body?: unknown;
  readonly contentType?: string;
  readonly accept?: string;
  /** The whole call, retries included, ends within this. Default 30 s. */
  readonly timeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  /** The type holds secrets: values that the server quotes are left out of errors. */
  readonly secret?: boolean;
}

export interface TransportOptions {
  readonly userAgent?: string | undefined;
  readonly metrics?: ApiMetrics | undefined;
  readonly clock?: Clock | undefined;
  readonly random?: (() => number) | undefined;
  /** How often at most the files of the credentials are looked at; default 5 s. */
  readonly accessCheckMs?: number | undefined;
}

const DEFAULT_TIMEOUT_MS = 30_000;
const MAX_TRIES = 5;
const MAX_RETRY_AFTER_MS = 10_000;
/** Tokens without a file (exec plug-ins) are asked for again this often. */
const RELOAD_MS = 60_000;
const JSON_TYPE = 'application/json';

/** An answer's body, as it comes. */
export type Body = Dispatcher.ResponseData['body'];

interface State {
  readonly access: ClusterAccess;
  /** The server's address, and what comes before `/api` in its paths. */
  readonly origin: string;
  readonly prefix: string;
  /** Of the files that `access` came from. */
  readonly version: string;
  /** Tells apart what needs other connections. */
  readonly tls: string;
  readonly pools: Pools;
}

/**
 * Sends calls to one API server over one shared pool of connections, as whoever the credentials of the moment say.
 * It retries what is safe to retry: 429 always (the server did nothing), 503 with Retry-After and a reset connection
 * where a repeat does no harm; never longer than the call's deadline.
 */
export class Transport {
  readonly #source: AccessSource;
  readonly #options: TransportOptions;
  readonly #clock: Clock;
  readonly #random: () => number;
  #state: State | undefined;
  #checkedAt = 0;
  #loadedAt = 0;
  #loading: Promise<void> | undefined;
  /** Why the credentials could not be read when they last were to be; undefined where they could. */
  #unread: string | undefined;
  #closed = false;

  constructor(source: AccessSource, options: TransportOptions = {}) {
    this.#source = source;
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#random = options.random ?? Math.random;
  }

  /** Loads the credentials. @throws Error when they cannot be read, with what was read */
  async connect(): Promise<void> {
    await this.#refresh(true);
  }

  /** Sends the call and returns the answer's text. @throws ApiError for every failure */
  send(call: Call): Promise<string> {
    return this.read(call, (body) => body.text());
  }

  /**
   * Sends the call and returns what `read` makes of a good answer. Where that breaks off, and the call is one that is
   * tried again, so is the reading. @throws ApiError for every failure
   */
  async read<T>(call: Call, read: (body: Body) => Promise<T>): Promise<T> {
    const startedAt = this.#clock.monotonic();
    const budgetMs = call.timeoutMs ?? DEFAULT_TIMEOUT_MS;
    for (let attempt = 1; ; attempt++) {
      const leftMs = budgetMs - (this.#clock.monotonic() - startedAt);
      try {
        return await this.#once(call, leftMs, read);
      } catch (error) {
        const waitMs = error instanceof ApiError ? this.#retryIn(error, call, attempt) : undefined;
        const leftAfter = budgetMs - (this.#clock.monotonic() - startedAt);
        if (waitMs === undefined || waitMs >= leftAfter) throw error;
        if (isUnauthorized(error)) await this.#refresh(true);
        await this.#pause(waitMs, call);
      }
    }
  }

  /**
   * Opens a stream that stays open: only its start has a deadline. The caller ends it by aborting `call.signal` or by
   * destroying the body.
   */
  async open(call: Call): Promise<Body> {
    const startedAt = this.#clock.monotonic();
    const budgetMs = call.timeoutMs ?? DEFAULT_TIMEOUT_MS;
    const {signal, timedOut, started, done} = deadline(this.#clock, budgetMs, call.signal);
    let code = '<error>';
    try {
      const {statusCode, headers, body} = await this.#dispatch(call, signal, 'watches');
      code = String(statusCode);
      if (statusCode >= 400) {
        const [text, retryAfter] = [await body.text(), headerOf(headers['retry-after'])];
        throw apiErrorFrom(nameOf(call), {status: statusCode, body: text, retryAfter});
      }
      started();
      body.once('close', done);
      return body;
    } catch (error) {
      done();
      if (isUnauthorized(error)) await this.#refresh(true);
      throw this.#failure(error, call, timedOut());
    } finally {
      this.#options.metrics?.request(call.verb, code, (this.#clock.monotonic() - startedAt) / 1000);
    }
  }

  /** Closes all connections; calls under way fail. */
  async close(): Promise<void> {
    this.#closed = true;
    const pools = this.#state?.pools;
    await Promise.all([pools?.calls.destroy(), pools?.watches.destroy()]);
  }

  async #once<T>(call: Call, timeoutMs: number, read: (body: Body) => Promise<T>): Promise<T> {
    const startedAt = this.#clock.monotonic();
    const {signal, timedOut, done} = deadline(this.#clock, timeoutMs, call.signal);
    let code = '<error>';
    try {
      const {statusCode, headers, body} = await this.#dispatch(call, signal, 'calls');
      if (statusCode < 400) {
        const answer = await read(body);
        code = String(statusCode);
        return answer;
      }
      const text = await body.text();
      code = String(statusCode);
      throw apiErrorFrom(nameOf(call), {
        status: statusCode,
        body: text,
        retryAfter: headerOf(headers['retry-after']),
        secret: call.secret ?? false,
      });
    } catch (error) {
      throw this.#failure(error, call, timedOut());
    } finally {
      done();
      this.#options.metrics?.request(call.verb, code, (this.#clock.monotonic() - startedAt) / 1000);
    }
  }

  async #dispatch(call: Call, signal: AbortSignal, pool: keyof Pools): Promise<Dispatcher.ResponseData> {
    await this.#refresh(false);
    if (this.#state === undefined || this.#closed) throw new Error('the client is closed');
    const {access, origin, prefix, pools} = this.#state;
    const request = pools[pool].request({
      origin,
      path: `${prefix}${call.path}${queryString(call.query)}`,
      method: call.method,
      headers: {
        accept: call.accept ?? JSON_TYPE,
        'user-agent': this.#options.userAgent ?? 'kube',
        ...(call.body === undefined ? {} : {'content-type': call.contentType ?? JSON_TYPE}),
        ...access.headers,
      },
      body: call.body === undefined ? null : JSON.stringify(call.body),
      signal,
      headersTimeout: 0,
      bodyTimeout: 0,
    });
    return unlessAborted(request, signal);
  }

  #failure(error: unknown, call: Call, timedOut: boolean): ApiError {
    if (error instanceof ApiError) return this.#withUnread(error);
    if (timedOut) {
      const ms = call.timeoutMs ?? DEFAULT_TIMEOUT_MS;
      return new ApiError(0, 'Timeout', `${nameOf(call)}: Timeout: no answer within ${ms} ms`);
    }
    if (call.signal?.aborted === true) {
      return new ApiError(0, 'Aborted', `${nameOf(call)}: Aborted by the caller`, {
        cause: call.signal.reason,
      });
    }
    return transportError(nameOf(call), error);
  }

  /** A refusal of credentials that are of before says so: what keeps the new ones from being read is what is to be mended. */
  #withUnread(error: ApiError): ApiError {
    if (this.#unread === undefined || !isUnauthorized(error)) return error;
    return new ApiError(error.status, error.reason, `${error.message}; ${this.#unread}`, {cause: error});
  }

  /** How long to wait before the next try, or undefined when the failure is final. */
  #retryIn(error: ApiError, call: Call, attempt: number): number | undefined {
    if (attempt >= MAX_TRIES) return undefined;
    if (isUnauthorized(error)) return attempt === 1 ? 0 : undefined;
    const repeatable = call.method !== 'POST';
    if (error.status === 429 || (error.status === 503 && error.retryAfterMs !== undefined && repeatable)) {
      const askedMs = Math.min(error.retryAfterMs ?? 1000, MAX_RETRY_AFTER_MS);
      return askedMs + this.#random() * Math.max(100, askedMs / 4);
    }
    const reset = error.reason === 'ConnectionReset' && call.method === 'GET' && !this.#closed;
    return reset ? this.#random() * 100 * 2 ** attempt : undefined;
  }

  async #pause(ms: number, call: Call): Promise<void> {
    try {
      await sleep(this.#clock, ms, call.signal);
    } catch (error) {
      throw this.#failure(error, call, false);
    }
  }

  /**
   * Looks whether the credentials changed: their files' times every few seconds, everything once a minute. What
   * cannot be read just now (a file that is being replaced) leaves the old ones in place; a 401 to them tells of it.
   */
  async #refresh(force: boolean): Promise<void> {
    const now = this.#clock.monotonic();
    if (!force && this.#state !== undefined && now - this.#checkedAt < (this.#options.accessCheckMs ?? 5000))
      return;
    this.#checkedAt = now;
    this.#loading ??= this.#load(force, now).finally(() => {
      this.#loading = undefined;
    });
    await this.#loading;
  }

  async #load(force: boolean, now: number): Promise<void> {
    const before = this.#state;
    try {
      if (before !== undefined && !force && now - this.#loadedAt < RELOAD_MS) {
        if ((await versionOf(before.access.files)) === before.version) {
          this.#unread = undefined;
          return;
        }
      }
      const access = await this.#source.load();
      const version = await versionOf(access.files);
      const tls = createHash('sha256')
        .update(JSON.stringify([access.server, access.proxyUrl, access.tls]))
        .digest('hex');
      const pools = before?.tls === tls ? before.pools : createPools(access);
      const {origin, pathname} = new URL(access.server);
      this.#state = {access, origin, prefix: pathname.replace(/\/+$/, ''), version, tls, pools};
      this.#loadedAt = now;
      this.#unread = undefined;
      if (before !== undefined && before.pools !== pools) retire(before.pools);
    } catch (error) {
      const why = `cannot read ${this.#source.description}: ${messageOf(error)}`;
      if (before === undefined) throw new Error(why, {cause: error});
      // Further lines of a parser quote what it read.
      this.#unread = why.split('\n')[0];
    }
  }
}

function queryString(query: Call['query']): string {
  const pairs = Object.entries(query ?? {}).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}=${encodeURIComponent(value)}`],
  );
  return pairs.length === 0 ? '' : `?${pairs.join('&')}`;
}

function nameOf(call: Call): string {
  return `${call.verb} ${call.target}`;
}

function headerOf(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value[0] : value;
}

function isUnauthorized(error: unknown): boolean {
  return error instanceof ApiError && error.status === 401;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
