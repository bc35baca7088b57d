import {ApiError, type Selection, type WatchEvent} from '../../../src/kube/client.ts';
import type {KubeObject, ResourceType} from '../../../src/kube/objects.ts';
import type {Entry, SimulatedApi} from './api.ts';
import type {Tally} from './faults.ts';
import type {Random} from './random.ts';
import type {ProcessClock} from './time.ts';
import {selects, shown} from './selection.ts';
import {aborted, reset, type Line} from './line.ts';

interface Stream {
  cut: boolean;
  mute: boolean;
  wake: () => void;
}

const BOOKMARK_MS = 60_000;

export type WatchOptions = Selection & {
  resourceVersion: string;
  signal?: AbortSignal;
  timeoutSeconds?: number;
  silenceMs?: number;
  onOpen?: () => void;
};

/** The watches of one process: what they tell comes late, in part or not at all, as the faults of its line say. */
export class Watches {
  readonly #api: SimulatedApi;
  readonly #line: Line;
  readonly #clock: ProcessClock;
  readonly #random: Random;
  readonly #tally: Tally;
  readonly #streams = new Set<Stream>();

  constructor(api: SimulatedApi, line: Line, parts: {clock: ProcessClock; random: Random; tally: Tally}) {
    this.#api = api;
    this.#line = line;
    this.#clock = parts.clock;
    this.#random = parts.random;
    this.#tally = parts.tally;
  }

  /** Breaks the connections of all. */
  cut(): void {
    for (const stream of this.#streams) {
      stream.cut = true;
      stream.wake();
    }
  }

  async *watch<T extends KubeObject>(
    type: ResourceType,
    options: WatchOptions,
  ): AsyncGenerator<WatchEvent<T>, void, undefined> {
    const {signal, timeoutSeconds = 300, silenceMs = 330_000} = options;
    let version = Number(options.resourceVersion);
    await this.#line.call(`watch ${type.plural}`, type, options, () => {
      if (version < this.#api.compacted || this.#line.strikes('expired'))
        throw new ApiError(410, 'Expired', `watch ${type.plural}: 410 Expired: too old resource version`);
    });
    options.onOpen?.();
    const startedAt = this.#clock.monotonic();
    const stream: Stream = {cut: false, mute: false, wake: () => undefined};
    let heardAt = startedAt;
    this.#streams.add(stream);
    try {
      let index = this.#api.log.findIndex((entry) => entry.version > version);
      if (index < 0) index = this.#api.log.length;
      for (;;) {
        if (signal?.aborted === true) throw aborted(`watch ${type.plural}`);
        if (stream.cut) throw reset(`watch ${type.plural}`);
        const now = this.#clock.monotonic();
        if (stream.mute) {
          if (now - heardAt >= silenceMs)
            throw new ApiError(0, 'WatchStalled', `watch ${type.plural}: WatchStalled: ${silenceMs} ms`);
          await this.#news(stream, index, heardAt + silenceMs, signal);
          continue;
        }
        if (now - startedAt >= timeoutSeconds * 1000) return;
        const entry = this.#api.log[index];
        if (entry !== undefined) {
          index++;
          const event = this.#event(type, entry, index, options);
          if (event === undefined || this.#line.strikes('dropped')) continue;
          const lagMs = this.#line.faults.lagMs > 0 ? this.#random.between(0, this.#line.faults.lagMs) : 1;
          if (lagMs > 1) this.#tally.add('lagMs');
          await this.#line.pause(lagMs, signal);
          if (this.#line.strikes('cut')) stream.cut = true;
          if (stream.cut || this.#line.strikes('halfOpen')) {
            stream.mute = !stream.cut;
            continue;
          }
          heardAt = this.#clock.monotonic();
          version = entry.version;
          yield {type: event.type, object: shown(event.object, options) as T};
          continue;
        }
        if (now - heardAt >= BOOKMARK_MS) {
          heardAt = now;
          version = this.#api.log[index - 1]?.version ?? version;
          yield {type: 'BOOKMARK', resourceVersion: String(version)};
          continue;
        }
        const until = Math.min(startedAt + timeoutSeconds * 1000, heardAt + BOOKMARK_MS);
        await this.#news(stream, index, until, signal);
      }
    } finally {
      this.#streams.delete(stream);
    }
  }

  /** Waits until there is something to look at: an entry in the log, the time `untilMs`, the end. */
  #news(stream: Stream, index: number, untilMs: number, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve) => {
      if (this.#line.dead) return;
      const done = (): void => {
        timer.cancel();
        forget();
        stream.wake = () => undefined;
        signal?.removeEventListener('abort', done);
        if (!this.#line.dead) resolve();
      };
      const timer = this.#clock.setTimeout(done, Math.max(1, untilMs - this.#clock.monotonic()));
      const forget = this.#api.onEntry(() => {
        if (!stream.mute) this.#clock.deliver(done, 1);
      });
      stream.wake = done;
      signal?.addEventListener('abort', done, {once: true});
      if (signal?.aborted === true || stream.cut || (!stream.mute && this.#api.log.length > index)) done();
    });
  }

  #event(
    type: ResourceType,
    entry: Entry,
    next: number,
    options: Selection,
  ): {type: 'ADDED' | 'MODIFIED' | 'DELETED'; object: KubeObject} | undefined {
    if (entry.plural !== type.plural) return undefined;
    const was = entry.before !== undefined && selects(options, entry.before);
    const is = entry.after !== undefined && selects(options, entry.after);
    if (!was && !is) return undefined;
    if (was && is && this.#line.faults.coalesced > 0) {
      // A later change of the same object is there already: the one between may be left out.
      const later = this.#api.log
        .slice(next)
        .some((each) => each.before !== undefined && each.before === entry.after && each.after !== undefined);
      if (later && this.#line.strikes('coalesced')) return undefined;
    }
    if (is) return {type: was ? 'MODIFIED' : 'ADDED', object: entry.after};
    const gone = entry.before as KubeObject;
    return {
      type: 'DELETED',
      object: {...gone, metadata: {...gone.metadata, resourceVersion: String(entry.version)}},
    };
  }
}
