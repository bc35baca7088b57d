import type {Readable} from 'node:stream';
import {systemClock, type Clock} from '../support/clock.ts';
import {METADATA, selector, toCall, type Selection} from './call.ts';
import {ApiError, apiErrorFromStatus, transportError, type ApiStatus} from './errors.ts';
import {typed, type KubeObject, type ResourceType} from './objects.ts';
import {parseObject} from './received.ts';
import type {Transport} from './transport.ts';

/** What a watch says. Anything else ends it with an ApiError (410 Expired: the version is too old, list again). */
export type WatchEvent<T> =
  | {readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'; readonly object: T}
  | {readonly type: 'BOOKMARK'; readonly resourceVersion: string};

export interface WatchOptions extends Selection {
  /** Where the watch begins. */
  resourceVersion: string;
  signal?: AbortSignal | undefined;
  /** The server ends the watch after this long; default 300. */
  timeoutSeconds?: number | undefined;
  /** Silence after which the connection is taken for half-open; default a little longer than the watch may last. */
  silenceMs?: number | undefined;
  clock?: Clock | undefined;
  /** Called when the server has begun to answer, which may be long before anything happens. */
  onOpen?: (() => void) | undefined;
}

interface RawEvent {
  type: string;
  object: KubeObject & ApiStatus;
}

/**
 * What happens to a selection after `resourceVersion`, with bookmarks, until the server ends it, the signal aborts or
 * the caller stops reading. Objects come without their managed fields.
 * @throws ApiError: 410 when the version is too old; WatchStalled; Aborted
 */
export async function* openWatch<T extends KubeObject>(
  transport: Transport,
  type: ResourceType,
  options: WatchOptions,
): AsyncGenerator<WatchEvent<T>, void, undefined> {
  const {namespace, metadataOnly, resourceVersion, signal, clock, timeoutSeconds = 300} = options;
  const call = toCall(type, {
    method: 'GET',
    verb: 'watch',
    key: {namespace},
    accept: metadataOnly === true ? METADATA.watch : undefined,
    query: {
      ...selector(options),
      watch: true,
      allowWatchBookmarks: true,
      resourceVersion,
      timeoutSeconds,
    },
    signal,
  });
  const body = await transport.open(call);
  options.onOpen?.();
  const events = decodeWatch<T>(body, {
    call: `watch ${call.target}`,
    silenceMs: options.silenceMs ?? (timeoutSeconds + 30) * 1000,
    ...(clock === undefined ? {} : {clock}),
  });
  try {
    for await (const event of events) {
      yield event.type === 'BOOKMARK' ? event : {type: event.type, object: typed(type, event.object)};
    }
  } catch (error) {
    if (signal?.aborted !== true) throw error;
    throw new ApiError(0, 'Aborted', `watch ${call.target}: Aborted by the caller`, {cause: error});
  }
}

/**
 * Reads watch events, one JSON text a line. Ends when the server ends the stream.
 * @param silenceMs no byte for this long means that the connection is half-open: ApiError with reason WatchStalled
 * @throws ApiError for an ERROR event, a stream that breaks, silence
 */
async function* decodeWatch<T extends KubeObject>(
  body: Readable,
  options: {call: string; silenceMs: number; clock?: Clock},
): AsyncGenerator<WatchEvent<T>, void, undefined> {
  const {call, silenceMs, clock = systemClock} = options;
  let stalled = false;
  const stall = (): void => {
    stalled = true;
    body.destroy();
  };
  let watchdog = clock.setTimeout(stall, silenceMs);
  try {
    for await (const line of lines(body, () => {
      watchdog.cancel();
      watchdog = clock.setTimeout(stall, silenceMs);
    })) {
      yield toEvent<T>(call, line);
    }
    if (stalled) throw new ApiError(0, 'WatchStalled', `${call}: WatchStalled: no byte for ${silenceMs} ms`);
  } catch (error) {
    if (error instanceof ApiError) throw error;
    if (stalled) throw new ApiError(0, 'WatchStalled', `${call}: WatchStalled: no byte for ${silenceMs} ms`);
    throw transportError(call, error);
  } finally {
    watchdog.cancel();
    body.destroy();
  }
}

const LINE_END = 0x0a;

async function* lines(body: Readable, onBytes: () => void): AsyncGenerator<Buffer, void, undefined> {
  let begun: Buffer[] = [];
  for await (const chunk of body) {
    onBytes();
    const bytes = chunk as Buffer;
    let from = 0;
    for (let end = bytes.indexOf(LINE_END); end >= 0; end = bytes.indexOf(LINE_END, from)) {
      const last = bytes.subarray(from, end);
      const line = begun.length === 0 ? last : Buffer.concat([...begun, last]);
      begun = [];
      from = end + 1;
      if (line.length > 0) yield line;
    }
    if (from < bytes.length) begun.push(bytes.subarray(from));
  }
}

function toEvent<T extends KubeObject>(call: string, line: Buffer): WatchEvent<T> {
  let event: RawEvent;
  try {
    event = parseObject(line) as RawEvent;
  } catch {
    // What the parser would say of it quotes the line, in which there may be secrets.
    throw new ApiError(0, 'BadResponse', `${call}: BadResponse: a line of the watch is not JSON`);
  }
  switch (event.type) {
    case 'ADDED':
    case 'MODIFIED':
    case 'DELETED':
      return {type: event.type, object: event.object as unknown as T};
    case 'BOOKMARK':
      return {type: 'BOOKMARK', resourceVersion: event.object.metadata.resourceVersion ?? ''};
    case 'ERROR':
      throw apiErrorFromStatus(call, event.object);
    default:
      throw new ApiError(
        0,
        'BadResponse',
        `${call}: BadResponse: a watch event of the unknown type ${event.type}`,
      );
  }
}
