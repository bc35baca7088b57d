import {lookup as systemLookup, type LookupAddress, type LookupOptions} from 'node:dns';
import {isIP, type LookupFunction} from 'node:net';
import {Agent, request} from 'undici';
import {isAllowedHost} from '../../support/configuration/urls.ts';
import {isPublicAddress} from './addresses.ts';

/** The largest answer that is read: metadata and keys are of some kilobytes. */
const MAX_BYTES = 512 * 1024;

/** A fetch that goes where it may. */
export type GuardedFetch = (
  url: string,
  init?: {
    method?: string;
    headers?: Record<string, string> | Headers;
    body?: unknown;
    signal?: AbortSignal | undefined;
  },
) => Promise<Response>;

/** A request that was not made, because of where it would have gone. */
export class ForbiddenAddressError extends Error {
  override readonly name = 'ForbiddenAddressError';
}

export interface GuardOptions {
  /** `host` or `host:port` of those that may be plain http or private. Read anew for each request. */
  readonly allowedHosts: () => readonly string[];
  readonly timeoutMs?: number;
}

/**
 * A fetch for talking to identity providers: https to public addresses only, except for hosts that are allowed by name.
 * The address is checked when the name is resolved for the very connection, so a second, other answer of the DNS
 * cannot slip by. Follows no redirect; bounds the answer's time and size.
 */
export function createGuardedFetch(options: GuardOptions): {fetch: GuardedFetch; close(): Promise<void>} {
  const timeoutMs = options.timeoutMs ?? 5_000;
  const limits = {
    connectTimeout: timeoutMs,
    headersTimeout: timeoutMs,
    bodyTimeout: timeoutMs,
    maxResponseSize: MAX_BYTES,
    maxHeaderSize: 16_384,
    connections: 16,
  };
  const open = new Agent(limits);
  const guarded = new Agent({...limits, connect: {lookup: publicLookup, timeout: timeoutMs}});

  const fetch: GuardedFetch = async (address, init = {}) => {
    const url = new URL(address);
    const allowed = isAllowedHost(url, options.allowedHosts());
    if (!allowed) refuseUnlessPublic(url);
    const deadline = AbortSignal.timeout(timeoutMs);
    const response = await request(url, {
      method: (init.method ?? 'GET') as 'GET',
      headers: Object.fromEntries(new Headers(init.headers)),
      body: bodyOf(init.body),
      dispatcher: allowed ? open : guarded,
      signal: init.signal ? AbortSignal.any([init.signal, deadline]) : deadline,
    });
    const body = await response.body.arrayBuffer();
    const headers = new Headers();
    for (const [name, value] of Object.entries(response.headers)) {
      for (const single of [value ?? []].flat()) headers.append(name, single);
    }
    const bodiless = response.statusCode === 204 || response.statusCode === 304 || response.statusCode < 200;
    return new Response(bodiless ? null : body, {status: response.statusCode, headers});
  };
  return {
    fetch,
    async close() {
      await Promise.all([open.destroy(), guarded.destroy()]);
    },
  };
}

function refuseUnlessPublic(url: URL): void {
  if (url.protocol !== 'https:')
    throw new ForbiddenAddressError(
      `${url.host} is asked for by ${url.protocol}//; only https is used, unless the host is in PROVIDER_ALLOWED_HOSTS`,
    );
  // A literal address is connected to without a lookup.
  const literal = url.hostname.replace(/^\[|\]$/g, '');
  if (isIP(literal) !== 0) refusePrivate(url.host, [literal]);
}

function refusePrivate(host: string, addresses: readonly string[]): void {
  const hidden = addresses.find((address) => !isPublicAddress(address));
  if (hidden !== undefined)
    throw new ForbiddenAddressError(
      `${host} is at the address ${hidden}, which is not public; allow the host in PROVIDER_ALLOWED_HOSTS if it is meant`,
    );
}

/** The system's lookup, that fails where any of the answers is not public. */
const publicLookup: LookupFunction = (hostname: string, options: LookupOptions, callback) => {
  systemLookup(hostname, {...options, all: true}, (error, addresses: LookupAddress[]) => {
    if (error) {
      callback(error, []);
      return;
    }
    try {
      refusePrivate(
        hostname,
        addresses.map((entry) => entry.address),
      );
    } catch (refusal) {
      callback(refusal as ForbiddenAddressError, []);
      return;
    }
    const [first] = addresses;
    if (options.all) callback(null, addresses);
    else callback(null, first?.address ?? '', first?.family);
  });
};

function bodyOf(body: unknown): string | Uint8Array | null {
  if (body === undefined || body === null) return null;
  if (typeof body === 'string' || body instanceof Uint8Array) return body;
  if (body instanceof URLSearchParams) return body.toString();
  throw new TypeError('a body of this kind is not sent');
}
