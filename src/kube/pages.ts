import {callJson, callOptions, METADATA, selectors, type CallOptions, type Selection} from './call.ts';
import {isApiError} from './errors.ts';
import {typed, type KubeObject, type ResourceType} from './objects.ts';
import type {Transport} from './transport.ts';

export interface Listing<T> {
  items: T[];
  /** Where a watch goes on from here. */
  resourceVersion: string;
}

export interface Page<T> extends Listing<T> {
  /** True for the first page, and again when the list had to begin anew: what came before is void. */
  first: boolean;
}

type PageQuery = {limit?: number | undefined; continue?: string | undefined};

/** A list as the server sends it. */
interface RawList<T> {
  items?: T[];
  metadata?: {resourceVersion?: string; continue?: string};
}

/** Objects a page: what the API server suggests to its own clients. */
const PAGE = 500;

/** All objects of a selection, page by page, so that what is not wanted of each can go before the next comes. */
export async function* listPages<T extends KubeObject>(
  transport: Transport,
  type: ResourceType,
  options: Selection & CallOptions & {limit?: number | undefined},
): AsyncGenerator<Page<T>, void, undefined> {
  const {namespace, metadataOnly, limit = PAGE} = options;
  const read = (query: PageQuery): Promise<RawList<T>> =>
    callJson<RawList<T>>(transport, type, {
      method: 'GET',
      verb: 'list',
      key: {namespace},
      accept: metadataOnly === true ? METADATA.list : undefined,
      query: {...selectors(options), ...query},
      ...callOptions(options),
    });
  for await (const page of readPages(read, limit)) {
    yield {...page, items: page.items.map((item) => typed(type, item))};
  }
}

/** When the server has forgotten where we were (410), the list begins anew, in one piece. */
async function* readPages<T>(
  read: (query: PageQuery) => Promise<RawList<T>>,
  size: number,
): AsyncGenerator<Page<T>, void, undefined> {
  let limit: number | undefined = size;
  let token: string | undefined;
  do {
    let list: RawList<T>;
    try {
      list = await read({limit, continue: token});
    } catch (error) {
      if (!isApiError(error, 410) || token === undefined) throw error;
      limit = undefined;
      token = undefined;
      list = await read({});
    }
    const first = token === undefined;
    token = list.metadata?.continue || undefined;
    yield {items: list.items ?? [], resourceVersion: list.metadata?.resourceVersion ?? '', first};
  } while (token !== undefined);
}
