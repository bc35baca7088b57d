import type {Clock} from '../../support/clock.ts';
import type {Urgency} from '../overload/urgency.ts';
import type {Horizon} from '../revocation/horizon.ts';
import {cookieHashOf, seal, unseal} from '../sessions/secrets.ts';
import type {FoundSession} from '../sessions/session.ts';
import type {Sessions} from '../sessions/sessions.ts';
import type {SharedStore} from './store.ts';

/** What the cache needs of the feed of revocations. */
interface Feed {
  readonly live: boolean;
  readonly horizon: Horizon | undefined;
  readonly newest: Horizon | undefined;
}

export interface SessionCacheOptions {
  readonly sessions: Pick<Sessions, 'find' | 'findByCookie' | 'used'>;
  readonly store: SharedStore;
  readonly feed: Feed;
  /** What seals the entries; the same on every replica. */
  readonly key: Buffer;
  /** SESSION_CACHE_TTL. */
  readonly ttlSeconds: number;
  readonly clock: Clock;
  /** Told of each look: found; not there; there, and not to be believed. */
  readonly onLook: (outcome: 'hit' | 'miss' | 'distrusted') => void;
}

/** By how much a database's clock may have been set back without harm. */
const SLACK_SECONDS = 2;
const MAX_ENDED = 100_000;
const PURPOSE = 'session cache';

/**
 * What one replica read of a session in PostgreSQL, for the others. It is never more than a reading: an entry says when
 * it was read, by the database's clock, and a replica believes it only if it has itself heard of every session that
 * ended since, and of this one it has not. So an entry that outlives its session, is put back or comes late revives
 * nothing, whatever Redis loses or keeps. Entries are sealed to a key that Redis does not have, so that whoever writes
 * there makes up no session, and hold no token: those are nowhere but with their owners.
 */
export class SessionCache {
  readonly #options: SessionCacheOptions;
  readonly #secret: string;
  /** Sessions heard to have ended or changed, and when, oldest first. */
  readonly #ended = new Map<string, number>();
  /** What was read before this monotonic time is not believed. */
  #since = Number.NEGATIVE_INFINITY;

  constructor(options: SessionCacheOptions) {
    this.#options = options;
    this.#secret = options.key.toString('base64');
  }

  /** That session was ended, or otherwise changed. */
  forget(id: string): void {
    const now = this.#options.clock.monotonic();
    this.#ended.delete(id);
    this.#ended.set(id, now);
    const oldest = now - this.#lifeMs();
    for (const [other, at] of this.#ended) {
      if (at > oldest) break;
      this.#ended.delete(other);
    }
    if (this.#ended.size > MAX_ENDED) this.forgetAll();
  }

  /** Any session may have changed. */
  forgetAll(): void {
    this.#since = this.#options.clock.monotonic();
    this.#ended.clear();
  }

  find(id: string, urgency?: Urgency): Promise<FoundSession | undefined> {
    return this.#through(`session:${id}`, () => this.#options.sessions.find(id, urgency));
  }

  findByCookie(secret: string, urgency?: Urgency): Promise<FoundSession | undefined> {
    const read = () => this.#options.sessions.findByCookie(secret, urgency);
    return this.#through(`cookie:${cookieHashOf(secret)}`, read);
  }

  used(id: string): Promise<void> {
    return this.#options.sessions.used(id);
  }

  async #through(
    key: string,
    read: () => Promise<FoundSession | undefined>,
  ): Promise<FoundSession | undefined> {
    const {feed, store, ttlSeconds, onLook} = this.#options;
    if (!feed.live || feed.horizon === undefined) return read();
    const sealed = await store.get(key);
    const entry = sealed === undefined ? undefined : this.#open(key, sealed);
    const session = entry && this.#believed(entry);
    onLook(entry === undefined ? 'miss' : session === undefined ? 'distrusted' : 'hit');
    if (session) return session;
    const found = await read();
    if (found) {
      const value = seal(JSON.stringify(found), this.#secret, `${PURPOSE} ${key}`).toString('base64url');
      // Nobody waits for it to be kept; the store says itself where it cannot.
      void store.set(key, value, Math.min(ttlSeconds, found.remaining) * 1000);
    }
    return found;
  }

  #open(key: string, sealed: string): FoundSession | undefined {
    const text = unseal(Buffer.from(sealed, 'base64url'), this.#secret, `${PURPOSE} ${key}`);
    return text === undefined ? undefined : (JSON.parse(text) as FoundSession);
  }

  /** The entry as it is now, if it may be believed. */
  #believed(entry: FoundSession): FoundSession | undefined {
    const {feed, ttlSeconds, clock} = this.#options;
    const {horizon, newest} = feed;
    // Asked anew: Redis may have taken its time.
    if (!feed.live || horizon === undefined || entry.read.server !== horizon.server) return undefined;
    if (entry.read.time < horizon.time + SLACK_SECONDS || this.#ended.has(entry.session.id)) return undefined;
    // The database's clock may have been set meanwhile: it was read no later than either moment says.
    const readAt = Math.min(monotonicOf(entry, horizon), monotonicOf(entry, newest ?? horizon));
    const age = Math.max(0, (clock.monotonic() - readAt) / 1000);
    if (readAt < this.#since + SLACK_SECONDS * 1000 || age > ttlSeconds || age >= entry.remaining)
      return undefined;
    return {...entry, remaining: entry.remaining - age, unused: entry.unused + age};
  }

  /** An entry can be no older than this. */
  #lifeMs(): number {
    return (this.#options.ttlSeconds + SLACK_SECONDS) * 1000;
  }
}

/** When it was read, milliseconds, if the database's clock has run true since, or until, that moment. */
function monotonicOf({read}: FoundSession, {at, time}: Horizon): number {
  return at + (read.time - time) * 1000;
}
