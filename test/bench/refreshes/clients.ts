// Clients that do nothing wrong, on a network that does: they race, lose answers, come late, and try again.
import {setTimeout as delay} from 'node:timers/promises';
import {errors, Pool} from 'undici';

/** What was seen. `falseLogouts` and `falseDenials` count each 401 that a client got for a refresh and for its new
 * access token; none of them had done anything to earn it. */
export interface Seen {
  refreshes: number;
  falseLogouts: number;
  /** New access tokens that a replica took, most often not the one that gave them. */
  verified: number;
  /** A new access token of a session that stands was refused. */
  falseDenials: number;
  /** 503: the client tries again. */
  unavailable: number;
  /** The connection broke before the answer was there. */
  broken: number;
  /** The client gave up waiting, as on a bad network, and asks again. */
  abandoned: number;
  /** Several presentations of one token at the same time. */
  races: number;
  /** A token presented again after its successor was in use. */
  late: number;
  /** No answer at all in `PATIENCE_MS`: the session's state is unknown, and the client goes away. */
  silent: number;
}

export function nothingSeen(): Seen {
  return {
    refreshes: 0,
    falseLogouts: 0,
    verified: 0,
    falseDenials: 0,
    unavailable: 0,
    broken: 0,
    abandoned: 0,
    races: 0,
    late: 0,
    silent: 0,
  };
}

/** A token, and when it was first presented: the replay window (30 s) runs from then at the earliest. */
interface Token {
  readonly text: string;
  presentedAt: number | undefined;
}

/** A client that heard nothing for so long stops, well within the replay window. */
const PATIENCE_MS = 25_000;
/** A tab that comes late does so within this time. */
const LATE_MS = 12_000;
const ROUNDS = 40;
const ABANDONED = 0.1;
/** The share of new access tokens that are shown to another replica at once. */
const VERIFIED = 0.1;

export interface Clients {
  readonly urls: readonly string[];
  readonly random: () => number;
  readonly seen: Seen;
  /** The refresh token of a new session. */
  newSession(): Promise<string>;
  readonly over: () => boolean;
}

/** Lives session after session until it is over. */
export async function live(pools: readonly Pool[], clients: Clients): Promise<void> {
  while (!clients.over()) await liveOnce(pools, clients);
}

export function connect({urls}: Clients, connections: number): Pool[] {
  return urls.map((url) => new Pool(url, {connections, headersTimeout: 10_000, connectTimeout: 2_000}));
}

/** One session: a browser whose tabs share its token. */
async function liveOnce(pools: readonly Pool[], clients: Clients): Promise<void> {
  const {random, seen} = clients;
  const refresh = (token: Token): Promise<Token | undefined> => refreshed(pools, clients, token);
  let token: Token | undefined = {text: await clients.newSession(), presentedAt: undefined};
  let older = token;
  for (let round = 0; round < ROUNDS && token !== undefined && !clients.over(); round++) {
    const current: Token = token;
    const what = random();
    if (what < 0.2) {
      seen.races++;
      const tabs = await Promise.all(
        Array.from({length: 2 + Math.floor(random() * 4)}, () => refresh(current)),
      );
      // Which tab writes last to the store that they share is chance.
      [older, token] = [current, tabs[Math.floor(random() * tabs.length)]];
    } else if (
      what < 0.3 &&
      older.presentedAt !== undefined &&
      performance.now() - older.presentedAt < LATE_MS
    ) {
      seen.late++;
      token = await refresh(older);
    } else {
      [older, token] = [current, await refresh(current)];
    }
  }
}

/** Presents the token until there is an answer; undefined where the client must stop. */
async function refreshed(
  pools: readonly Pool[],
  {random, seen}: Clients,
  token: Token,
): Promise<Token | undefined> {
  token.presentedAt ??= performance.now();
  while (performance.now() - token.presentedAt < PATIENCE_MS) {
    const index = Math.floor(random() * pools.length);
    const [pool, other] = [pools[index], pools[(index + 1) % pools.length]];
    if (pool === undefined || other === undefined) throw new Error('there is no replica');
    const given = await present(pool, token.text, random() < ABANDONED ? 1 + random() * 15 : undefined);
    if (typeof given === 'object') {
      seen.refreshes++;
      if (random() < VERIFIED) await verify(other, given.access, seen);
      return {text: given.successor, presentedAt: undefined};
    }
    seen[given]++;
    if (given === 'falseLogouts') return undefined;
    if (given !== 'abandoned') await delay(20 + random() * 60);
  }
  seen.silent++;
  return undefined;
}

/** The successor, or what came instead of it. */
async function present(
  pool: Pool,
  token: string,
  patienceMs: number | undefined,
): Promise<{successor: string; access: string} | 'falseLogouts' | 'unavailable' | 'broken' | 'abandoned'> {
  const abort = new AbortController();
  const timer = patienceMs === undefined ? undefined : setTimeout(() => abort.abort(), patienceMs);
  try {
    const {statusCode, body} = await pool.request({
      method: 'POST',
      path: '/auth/refresh',
      headers: {'content-type': 'application/json'},
      body: `{"refresh_token":"${token}"}`,
      signal: abort.signal,
    });
    const answer = (await body.json()) as {refresh_token?: string; access_token?: string};
    const {refresh_token: successor, access_token: access} = answer;
    if (statusCode === 200 && successor !== undefined && access !== undefined) return {successor, access};
    if (statusCode === 401) return 'falseLogouts';
    if (statusCode === 503) return 'unavailable';
    throw new Error(`a refresh was answered with ${statusCode}`);
  } catch (error) {
    if (abort.signal.aborted) return 'abandoned';
    if (error instanceof errors.UndiciError || isNetworkError(error)) return 'broken';
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

/** Shows a new access token to a replica; where that cannot tell, or cannot be reached, nothing is learnt. */
async function verify(pool: Pool, access: string, seen: Seen): Promise<void> {
  try {
    const {statusCode, body} = await pool.request({
      method: 'GET',
      path: '/auth/verify',
      headers: {authorization: `Bearer ${access}`},
    });
    await body.dump();
    if (statusCode === 200) seen.verified++;
    else if (statusCode === 401) seen.falseDenials++;
    else if (statusCode === 503) seen.unavailable++;
    else throw new Error(`a verification was answered with ${statusCode}`);
  } catch (error) {
    if (!(error instanceof errors.UndiciError || isNetworkError(error))) throw error;
    seen.broken++;
  }
}

const NETWORK = new Set(['ECONNRESET', 'ECONNREFUSED', 'EPIPE', 'UND_ERR_SOCKET']);

function isNetworkError(error: unknown): boolean {
  return error instanceof Error && 'code' in error && NETWORK.has(String(error.code));
}
