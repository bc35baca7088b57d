import {randomBytes} from 'node:crypto';
import {systemClock, type Clock, type Timer} from '../support/clock.ts';
import type {Logger} from '../support/logging.ts';
import type {KubeClient} from './client.ts';
import {isApiError} from './errors.ts';
import type {EventMetrics} from './metrics.ts';
import {RESOURCES, type KubeObject} from './objects.ts';
import {microTime} from './time.ts';

/** events.k8s.io/v1. */
export interface Event extends KubeObject {
  eventTime: string;
  reportingController: string;
  reportingInstance: string;
  action: string;
  reason: string;
  regarding: Record<string, string | undefined>;
  note: string;
  type: 'Normal' | 'Warning';
  series?: {count: number; lastObservedTime: string};
}

export interface EventRecorderOptions {
  /** The controller's name, `reportingController`. */
  component: string;
  /** This process, `reportingInstance`. */
  instance: string;
  clock?: Clock | undefined;
  logger?: Pick<Logger, 'debug'> | undefined;
  metrics?: EventMetrics | undefined;
}

/** What the recorder needs of a client. */
export type EventPort = Pick<KubeClient, 'create' | 'mergePatch'>;

/** One event and its repeats. */
interface Series {
  event: Event;
  count: number;
  lastAt: number;
  /** Whether the server has it; then repeats are patched into it. */
  written: boolean;
  timer?: Timer;
}

const NOTE_BYTES = 1024;
/** Repeats within this time belong to one series. */
const SERIES_MS = 10 * 60_000;
/** A series is brought up to date at most this often, and no later than this after a repeat. */
const UPDATE_MS = 4000;
const BURST = 20;
/** One more event an object after each of these. */
const REFILL_MS = 15_000;
const MAX_KNOWN = 4096;
/** What waits to be written; more is dropped, so that a burst costs no memory. */
const MAX_WAITING = 1024;
const CALL_MS = 5000;

/**
 * Writes events about objects (events.k8s.io/v1). A repeat counts up in the series of the first; an object that has too
 * much to say is cut short; and nothing here ever throws or makes a caller wait: what cannot be written is dropped
 * and counted.
 */
export class EventRecorder {
  readonly #client: EventPort;
  readonly #options: EventRecorderOptions;
  readonly #clock: Clock;
  readonly #series = new Map<string, Series>();
  readonly #tokens = new Map<string, {left: number; at: number}>();
  readonly #waiting: Series[] = [];
  #writing: Promise<void> | undefined;

  constructor(client: EventPort, options: EventRecorderOptions) {
    this.#client = client;
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
  }

  /** `reason` is a CamelCase word, `message` for a person; `action` what was being done, by default the reason. */
  record(
    object: KubeObject,
    type: 'Normal' | 'Warning',
    reason: string,
    message: string,
    action: string = reason,
  ): void {
    const {uid = '', name, namespace = ''} = object.metadata;
    const note = cut(message);
    const key = [uid, namespace, name, object.kind, type, reason, action, note].join('\n');
    const now = this.#clock.monotonic();
    const known = this.#series.get(key);
    if (known !== undefined && now - known.lastAt < SERIES_MS) {
      known.count++;
      known.lastAt = now;
      this.#options.metrics?.outcome('aggregated');
      this.#updateLater(known);
      return;
    }
    if (!this.#mayWrite(`${uid} ${namespace}/${name}`, now)) {
      this.#options.metrics?.outcome('rate_limited');
      return;
    }
    const series: Series = {
      event: this.#event(object, type, reason, note, action),
      count: 1,
      lastAt: now,
      written: false,
    };
    remember(this.#series, key, series);
    this.#enqueue(series);
  }

  /**
   * Resolves when all that was recorded is written or dropped; repeats are written now. For a graceful stop: what is not
   * written within that time is dropped.
   */
  async flush(withinMs = 60_000): Promise<void> {
    for (const series of this.#series.values()) {
      if (series.timer === undefined) continue;
      series.timer.cancel();
      delete series.timer;
      this.#enqueue(series);
    }
    const {promise, resolve} = Promise.withResolvers<void>();
    const timer = this.#clock.setTimeout(resolve, withinMs);
    await Promise.race([this.#writing, promise]);
    timer.cancel();
    for (const _ of this.#waiting.splice(0)) this.#options.metrics?.outcome('dropped');
  }

  #event(
    object: KubeObject,
    type: 'Normal' | 'Warning',
    reason: string,
    note: string,
    action: string,
  ): Event {
    const {name, namespace, uid, resourceVersion} = object.metadata;
    // An event lives in its object's namespace; that of an object without one, in default.
    const home = namespace ?? 'default';
    return {
      apiVersion: 'events.k8s.io/v1',
      kind: 'Event',
      metadata: {name: `${name.slice(0, 200)}.${randomBytes(8).toString('hex')}`, namespace: home},
      eventTime: microTime(this.#clock.now()),
      reportingController: this.#options.component,
      reportingInstance: this.#options.instance.slice(0, 128),
      action: action.slice(0, 128),
      reason: reason.slice(0, 128),
      regarding: {apiVersion: object.apiVersion, kind: object.kind, name, namespace, uid, resourceVersion},
      note,
      type,
    };
  }

  #mayWrite(object: string, now: number): boolean {
    const bucket = this.#tokens.get(object) ?? {left: BURST, at: now};
    const refilled = Math.floor((now - bucket.at) / REFILL_MS);
    const left = Math.min(BURST, bucket.left + refilled);
    const at = left === BURST ? now : bucket.at + refilled * REFILL_MS;
    remember(this.#tokens, object, {left: Math.max(0, left - 1), at});
    return left > 0;
  }

  #updateLater(series: Series): void {
    series.timer ??= this.#clock.setTimeout(() => {
      delete series.timer;
      this.#enqueue(series);
    }, UPDATE_MS);
  }

  #enqueue(series: Series): void {
    if (this.#waiting.length >= MAX_WAITING) {
      this.#options.metrics?.outcome('dropped');
      return;
    }
    this.#waiting.push(series);
    this.#writing ??= this.#drain().finally(() => {
      this.#writing = undefined;
    });
  }

  async #drain(): Promise<void> {
    for (let series = this.#waiting.shift(); series !== undefined; series = this.#waiting.shift()) {
      try {
        await this.#write(series);
        this.#options.metrics?.outcome('written');
      } catch (error) {
        this.#options.metrics?.outcome('failed');
        const reason = error instanceof Error ? error.message : String(error);
        this.#options.logger?.debug({reason, event: series.event.reason}, 'an event was dropped');
      }
    }
  }

  async #write(series: Series): Promise<void> {
    const {event, count, lastAt} = series;
    const lastObservedTime = microTime(this.#clock.now() - (this.#clock.monotonic() - lastAt));
    const progress = count > 1 ? {series: {count, lastObservedTime}} : {};
    if (series.written) {
      try {
        await this.#client.mergePatch(RESOURCES.Event, event.metadata, progress, {timeoutMs: CALL_MS});
        return;
      } catch (error) {
        if (!isApiError(error, 404)) throw error;
        // The server keeps events for an hour: this one is gone, so it starts over under a new name.
        const name = `${event.metadata.name.replace(/\.[^.]*$/, '')}.${randomBytes(8).toString('hex')}`;
        series.event = {...event, metadata: {...event.metadata, name}};
      }
    }
    await this.#client.create(RESOURCES.Event, {...series.event, ...progress}, {timeoutMs: CALL_MS});
    series.written = true;
  }
}

/** Puts an entry in as the newest and lets the oldest go where there are too many. */
function remember<V>(map: Map<string, V>, key: string, value: V): void {
  map.delete(key);
  map.set(key, value);
  if (map.size > MAX_KNOWN) map.delete(map.keys().next().value ?? '');
}

/** At most as many bytes as the API takes, without half a character. */
function cut(text: string): string {
  if (Buffer.byteLength(text) <= NOTE_BYTES) return text;
  const room = Buffer.from(text).subarray(0, NOTE_BYTES - 3);
  return `${new TextDecoder().decode(room).replace(/\uFFFD+$/, '')}…`;
}
