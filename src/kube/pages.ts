import {finished} from 'node:stream/promises';
import {callOptions, METADATA, notJson, selector, toCall, type CallOptions, type Selection} from './call.ts';
import {isApiError} from './errors.ts';
import {typed, type KubeObject, type ResourceType} from './objects.ts';
import {ListReader} from './received.ts';
import type {Body, Transport} from './transport.ts';

/** Objects of a type as they were at one moment. */
export interface Listing<T> {
  items: T[];
  /** Where a watch goes on from here. */
  resourceVersion: string;
}

/** A part of a list. */
export interface Page<T> extends Listing<T> {
  /** True for the first page, and again when the list had to begin anew: what came before is void. */
  first: boolean;
}

export type PagesOptions<T, K> = Selection &
  CallOptions & {
    /** Objects a page. */
    limit?: number | undefined;
    /**
     * What the API server has in memory will do, be it a little behind: for what is watched from there. It costs the
     * server a third, and comes in one piece.
     */
    fromCache?: boolean | undefined;
    /** What a page holds of each object. It is asked as soon as the object has come, before the next is looked at. */
    keep?: ((object: T) => K) | undefined;
  };

type PageQuery = {
  limit?: number | undefined;
  continue?: string | undefined;
  resourceVersion?: string | undefined;
};

/** A page as it was read. */
interface ReadPage<K> {
  readonly items: K[];
  readonly metadata: {readonly resourceVersion?: string; readonly continue?: string};
}

/** Objects a page: what the API server suggests to its own clients. */
const PAGE = 500;

/** All objects of a selection, page by page, so that what is not wanted of each can go before the next comes. */
export async function* listPages<T extends KubeObject, K = T>(
  transport: Transport,
  type: ResourceType,
  options: PagesOptions<T, K>,
): AsyncGenerator<Page<K>, void, undefined> {
  const {namespace, metadataOnly, limit = PAGE, keep} = options;
  const read = (query: PageQuery): Promise<ReadPage<K>> => {
    const call = toCall(type, {
      method: 'GET',
      verb: 'list',
      key: {namespace},
      accept: metadataOnly === true ? METADATA.list : undefined,
      query: {...selector(options), ...query},
      ...callOptions(options),
    });
    return transport.read(call, async (body) => {
      const items: K[] = [];
      const reader = new ListReader((item) => {
        const object = typed(type, item as T);
        items.push(keep === undefined ? (object as unknown as K) : keep(object));
      });
      try {
        await pieces(body, (piece) => reader.push(piece));
        return {items, metadata: reader.end().metadata ?? {}};
      } catch (error) {
        throw error instanceof SyntaxError ? notJson(call) : error;
      }
    });
  };
  yield* readPages(read, options.fromCache === true ? {limit, resourceVersion: '0'} : {limit});
}

/** Gives away what comes as it comes: to wait for each piece takes half as long again as to receive it. */
async function pieces(body: Body, take: (piece: Buffer) => void): Promise<void> {
  body.on('data', (piece: Buffer) => {
    try {
      take(piece);
    } catch (error) {
      body.destroy(error instanceof Error ? error : new Error(String(error)));
    }
  });
  await finished(body);
}

/** When the server has forgotten where we were (410), the list begins anew, in one piece. */
async function* readPages<K>(
  read: (query: PageQuery) => Promise<ReadPage<K>>,
  {limit, ...start}: PageQuery & {limit: number},
): AsyncGenerator<Page<K>, void, undefined> {
  let query: PageQuery = {limit, ...start};
  do {
    let list: ReadPage<K>;
    try {
      list = await read(query);
    } catch (error) {
      if (!isApiError(error, 410) || query.continue === undefined) throw error;
      query = {};
      list = await read(query);
    }
    const first = query.continue === undefined;
    query = {limit, continue: list.metadata.continue || undefined};
    yield {items: list.items, resourceVersion: list.metadata.resourceVersion ?? '', first};
  } while (query.continue !== undefined);
}
