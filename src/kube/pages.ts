import {isApiError} from './errors.ts';

export interface Listing<T> {
  items: T[];
  /** Where a watch goes on from here. */
  resourceVersion: string;
}

export interface Page<T> extends Listing<T> {
  /** True for the first page, and again when the list had to begin anew: what came before is void. */
  first: boolean;
}

export type PageQuery = {limit?: number | undefined; continue?: string | undefined};

/** A list as the server sends it. */
export interface RawList<T> {
  items?: T[];
  metadata?: {resourceVersion?: string; continue?: string};
}

/** Objects a page: what the API server suggests to its own clients. */
export const PAGE = 500;

/**
 * Reads a list page by page. When the server has forgotten where we were (410), the list begins anew, in one piece.
 */
export async function* readPages<T>(
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
