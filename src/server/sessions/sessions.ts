import type {SessionSettings} from '../../support/configuration/configuration.ts';
import {systemClock, type Clock} from '../../support/clock.ts';
import {AuthError} from '../../support/errors.ts';
import type {Database} from '../database.ts';
import type {Urgency} from '../overload/urgency.ts';
import type {LogoutToken} from '../providers/logout-token.ts';
import * as ending from './ending-statements.ts';
import {Rotations} from './rotations.ts';
import {cookieHashOf, hashOf, newSecret, seal, unseal, userIdOf} from './secrets.ts';
import {
  toFound,
  toSession,
  type FoundRow,
  type FoundSession,
  type Identity,
  type ListedSession,
  type Session,
  type SessionRow,
  type SignIn,
} from './session.ts';
import {SpentTokenError} from './spent-token.ts';
import * as sql from './statements.ts';

const SUCCESSOR = 'refresh successor';
const ID_TOKEN = 'id token';
/** A longer ID token is not kept: shown to the provider it would make an address that not every server takes. */
const MAX_ID_TOKEN = 4096;

/** What a refresh token was exchanged for. */
export interface Refreshed {
  readonly session: Session;
  readonly refreshToken: string;
  /** True where this token had been exchanged a moment ago and the same successor is given again. */
  readonly replayed: boolean;
}

/** Told when a token from before the replay window came back and its session was ended. */
export type ReuseListener = (session: Session) => void;

/** The sessions in PostgreSQL. Every method may throw AuthError 503 where the database is away. */
export class Sessions {
  readonly #database: Database;
  readonly #settings: SessionSettings;
  readonly #clientId: string;
  readonly #rotations: Rotations;
  #onEnded: (id: string) => void = () => {};

  constructor(database: Database, settings: SessionSettings, clientId: string, clock: Clock = systemClock) {
    this.#database = database;
    this.#settings = settings;
    this.#clientId = clientId;
    this.#rotations = new Rotations(database, settings.idleSeconds, clock);
  }

  /** Told of each session that this replica ended, as soon as that is certain. */
  onEnded(listener: (id: string) => void): void {
    this.#onEnded = listener;
  }

  /**
   * A new session; `kind` says whether its secret is a refresh token or a browser's cookie. Only a browser's keeps the
   * ID token, sealed to the cookie.
   */
  async create(
    identity: Identity,
    kind: 'token' | 'cookie',
    {userAgent, idToken}: SignIn = {},
  ): Promise<{session: Session; secret: string}> {
    const secret = newSecret();
    const keepsToken = kind === 'cookie' && idToken !== undefined && idToken.length <= MAX_ID_TOKEN;
    const [row] = await this.#database.query<SessionRow>(sql.CREATE, [
      userIdOf(identity.issuer, identity.subject),
      kind === 'token' ? hashOf(secret) : cookieHashOf(secret),
      this.#settings.lifetimeSeconds,
      identity.provider,
      identity.issuer,
      identity.subject,
      this.#clientId,
      identity.email ?? null,
      identity.name ?? null,
      this.#settings.idleSeconds,
      identity.providerSession ?? null,
      userAgent ?? null,
      keepsToken ? seal(idToken, secret, ID_TOKEN) : null,
    ]);
    if (!row) throw new Error('the insert of a session returned no row');
    return {session: toSession(row), secret};
  }

  /**
   * Exchanges a refresh token for its successor. Any number of presentations inside the replay window, in which outages
   * of the database do not count, get the same one, whichever replica they reach; where that one was itself exchanged meanwhile they get the token that is live
   * now, so that no tab and no retry is left with a token whose next use would end the session. Throws
   * `token_not_found`, the same for an unknown, a revoked, an expired and a reused token; a reused one ends its session,
   * and only that one (RFC 9700, section 4.14.2).
   */
  async refresh(token: string, onReuse: ReuseListener): Promise<Refreshed> {
    const hash = hashOf(token);
    if (this.#settings.rotation === 'Static') {
      const [row] = await this.#database.query<SessionRow>(sql.TOUCH, [hash, this.#settings.idleSeconds]);
      if (row) return {session: toSession(row), refreshToken: token, replayed: false};
    } else {
      const successor = newSecret();
      const rotation = {hash, successorHash: hashOf(successor), sealed: seal(successor, token, SUCCESSOR)};
      let row = await this.#rotations.rotate(rotation);
      if (!row) {
        const left = await this.#leftOut(hash);
        if (left?.current !== true || !left.alive) return this.#replayed(token, hash, left, onReuse);
        row = await this.#rotations.rotateAlone(rotation);
      }
      if (row) return {session: toSession(row), refreshToken: successor, replayed: false};
    }
    return this.#replayed(token, hash, await this.#leftOut(hash), onReuse);
  }

  /** What there is of a token that was not exchanged. */
  async #leftOut(hash: string): Promise<ReplayRow | undefined> {
    const {replayWindowSeconds} = this.#settings;
    const window = replayWindowSeconds + this.#database.outages.within(replayWindowSeconds);
    const [row] = await this.#database.query<ReplayRow>(sql.REPLAY, [hash, window]);
    return row;
  }

  #replayed(token: string, hash: string, row: ReplayRow | undefined, onReuse: ReuseListener): Refreshed {
    if (!row) throw new AuthError('token_not_found', 'no such refresh token, or its session has ended');
    const session = toSession(row);
    if (row.ended) {
      this.#onEnded(row.id);
      onReuse(session);
    }
    if (!row.fresh && !row.current) throw new SpentTokenError('token_reused', session);
    const live = row.alive && row.fresh ? liveToken(token, hash, row) : undefined;
    if (live === undefined) throw new SpentTokenError('session_ended', session);
    return {session, refreshToken: live, replayed: true};
  }

  /** The session of that id, if it stands; `urgency` says what for. */
  async find(id: string, urgency: Urgency = 'check'): Promise<FoundSession | undefined> {
    if (!UUID.test(id)) return undefined;
    const [row] = await this.#database.query<FoundRow>({...sql.FIND, urgency}, [id]);
    return row && toFound(row);
  }

  /** The session of a browser's cookie, if it stands. */
  async findByCookie(secret: string, urgency: Urgency = 'check'): Promise<FoundSession | undefined> {
    const [row] = await this.#database.query<FoundRow>({...sql.FIND_BY_COOKIE, urgency}, [
      cookieHashOf(secret),
    ]);
    return row && toFound(row);
  }

  /** It was used: moves its idle limit. */
  async used(id: string): Promise<void> {
    await this.#database.query(sql.USED, [id, this.#settings.idleSeconds]);
  }

  /** The session of a refresh token, be it the current one or one that was exchanged before. */
  async byRefreshToken(token: string, urgency: Urgency): Promise<Session | undefined> {
    const [row] = await this.#database.query<SessionRow>({...sql.FIND_BY_TOKEN, urgency}, [hashOf(token)]);
    return row && toSession(row);
  }

  /** The user's sessions that are alive, those used last first; the first hundred. */
  async ofUser(userId: string): Promise<ListedSession[]> {
    const rows = await this.#database.query<ListedRow>(sql.OF_USER, [userId]);
    return rows.map((row) => ({
      id: row.id,
      provider: row.provider ?? undefined,
      createdAt: row.created_at,
      lastUsedAt: row.last_used_at ?? undefined,
      expiresAt: row.expires_at,
      userAgent: row.user_agent ?? undefined,
    }));
  }

  /** The session whose current refresh token this is. */
  async byCurrentToken(token: string): Promise<Session | undefined> {
    const [row] = await this.#database.query<SessionRow>(sql.FIND_BY_CURRENT_TOKEN, [hashOf(token)]);
    return row && toSession(row);
  }

  /** Ends it; false where it had ended already. */
  async revoke(id: string): Promise<boolean> {
    const ended = (await this.#database.query(ending.REVOKE, [id])).length > 0;
    this.#onEnded(id);
    return ended;
  }

  /**
   * Ends the browser's session whose cookie this is, or with `everywhere` all of its user's. The ids of those that were
   * alive, and the ID token that the session began with, where there is one.
   */
  async signOut(
    {id, userId}: Session,
    cookie: string,
    everywhere: boolean,
  ): Promise<{ended: string[]; idToken: string | undefined}> {
    const rows = everywhere
      ? await this.#database.query<ending.EndedRow>(ending.REVOKE_ALL, [userId])
      : await this.#database.query<ending.EndedRow>(ending.REVOKE, [id]);
    this.#onEnded(id);
    const sealed = rows.find((row) => row.id === id)?.id_token_sealed ?? undefined;
    return {ended: this.#ended(rows), idToken: sealed && unseal(sealed, cookie, ID_TOKEN)};
  }

  /** Ends it if it is that user's; false where it is not, or had ended already. */
  async revokeOwn(id: string, userId: string): Promise<boolean> {
    if (!UUID.test(id)) return false;
    return this.#ended(await this.#database.query<{id: string}>(ending.REVOKE_OWN, [id, userId])).length > 0;
  }

  /** Ends what a provider's logout token names; undefined where that token was used before. */
  async endAtProvider(token: LogoutToken): Promise<{id: string; userId: string}[] | undefined> {
    const rows = await this.#database.query<{id: string | null; user_id: string}>(ending.END_AT_PROVIDER, [
      hashOf(`${token.issuer}\n${token.id}`),
      token.expiresAt,
      token.issuer,
      token.sid ?? null,
      token.subject ?? null,
    ]);
    if (rows.length === 0) return undefined;
    const ended = rows.flatMap(({id, user_id: userId}) => (id === null ? [] : [{id, userId}]));
    this.#ended(ended);
    return ended;
  }

  /** Ends all sessions of that user; the ids of those that were alive. */
  async revokeAll(userId: string): Promise<string[]> {
    return this.#ended(await this.#database.query<{id: string}>(ending.REVOKE_ALL, [userId]));
  }

  #ended(rows: readonly {id: string}[]): string[] {
    for (const {id} of rows) this.#onEnded(id);
    return rows.map(({id}) => id);
  }
}

interface ListedRow {
  readonly id: string;
  readonly provider: string | null;
  readonly created_at: number;
  readonly last_used_at: number | null;
  readonly expires_at: number;
  readonly user_agent: string | null;
}

interface ReplayRow extends SessionRow {
  readonly fresh: boolean;
  readonly current: boolean;
  readonly ended: boolean;
  readonly alive: boolean;
  readonly current_hash: string;
  /** Token hash to sealed successor, base64. */
  readonly links: Readonly<Record<string, string>> | null;
}

/**
 * The live token at the end of the chain that begins with `token`; undefined where a link is missing or was sealed to
 * another token. It ends for certain: no hash is its own successor's successor.
 */
function liveToken(token: string, hash: string, row: ReplayRow): string | undefined {
  let [current, currentHash] = [token, hash];
  while (currentHash !== row.current_hash) {
    const sealed = row.links?.[currentHash];
    const successor =
      sealed === undefined ? undefined : unseal(Buffer.from(sealed, 'base64'), current, SUCCESSOR);
    if (successor === undefined) return undefined;
    [current, currentHash] = [successor, hashOf(successor)];
  }
  return current;
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
