import {AuthError} from '../../support/errors.ts';
import type {Clock} from '../../support/clock.ts';
import type {Soon} from '../../support/soon.ts';
import type {Urgency} from '../overload/urgency.ts';
import {RecentMap} from '../../support/recent-map.ts';
import {cookieHashOf} from '../sessions/secrets.ts';
import type {FoundSession, RevocationCheck, Session} from '../sessions/session.ts';
import type {Sessions} from '../sessions/sessions.ts';

/** What the feed of revocations promises. */
interface Feed {
  /** Whether every change of a session has been heard, but for the last moment. */
  readonly live: boolean;
  /** The monotonic time up to which every change has been heard. */
  readonly confirmedAt: number;
}

interface Known {
  /** Null: it has ended. */
  readonly session: Session | null;
  /** Monotonic milliseconds until which this may be believed. */
  readonly until: number;
  /** From when on a use is told to the database; moves each time. */
  useAt: number;
}

interface Reading {
  readonly answer: Promise<Session | undefined>;
  /** The count of changes when it began. */
  readonly since: number;
}

const CAPACITY = 50_000;
/** More changes during the reads under way are taken for a change of any. */
const MAX_CHANGED = 10_000;
/** However sure the feed is, a session is read anew after this time. */
const MAX_AGE_MS = 300_000;
/** While neither the feed nor the database answers, what was known is believed for this long and no longer. */
const STALE_MS = 5_000;
/** A use is told to the database at most this often, or ten times in the idle limit. */
const USE_EVERY_MS = 300_000;
/** Where it could not be told, it is tried again after this time. */
const USE_RETRY_MS = 5_000;

interface StandingSessionsOptions {
  readonly sessions: Pick<Sessions, 'find' | 'findByCookie' | 'used'>;
  readonly feed: Feed;
  /** A session's idle limit. */
  readonly idleSeconds: number;
  readonly clock: Clock;
  /** Told where a use could not be written down; the request that was the use went well. */
  readonly onError: (error: unknown) => void;
}

/**
 * The sessions known to stand, in memory, kept true by the feed: one read a session and replica, then none until
 * something changes. While the feed is lost each question goes to the database; while that is away too, what was known
 * is believed until `STALE_MS` after the feed's last word, and then refused with a 503.
 */
export class StandingSessions implements RevocationCheck {
  readonly #sessions: StandingSessionsOptions['sessions'];
  readonly #feed: Feed;
  readonly #clock: Clock;
  readonly #useEveryMs: number;
  readonly #onError: (error: unknown) => void;
  readonly #known = new RecentMap<string, Known>(CAPACITY);
  readonly #cookies = new RecentMap<string, string>(CAPACITY);
  readonly #reading = new Map<string, Reading>();
  /** Counts the changes heard, of one session or of any: a read that a change of its session overtook is not kept. */
  #changes = 0;
  /** When any may have changed, and, while something is read, when each did that changed since. */
  #gapAt = 0;
  readonly #changedAt = new Map<string, number>();
  #reads = 0;

  constructor(options: StandingSessionsOptions) {
    this.#sessions = options.sessions;
    this.#feed = options.feed;
    this.#clock = options.clock;
    this.#useEveryMs = Math.min(USE_EVERY_MS, options.idleSeconds * 100);
    this.#onError = options.onError;
  }

  /** What is known of that session is no longer so. */
  forget(id: string): void {
    this.#changes++;
    this.#known.delete(id);
    if (this.#reads === 0) return;
    this.#changedAt.set(id, this.#changes);
    if (this.#changedAt.size > MAX_CHANGED) this.forgetAll();
  }

  forgetAll(): void {
    this.#changes++;
    this.#gapAt = this.#changes;
    this.#changedAt.clear();
    this.#known.clear();
  }

  /** Whether what was asked at that count of changes still holds of that session; undefined: it may be any. */
  #holds(id: string | undefined, since: number): boolean {
    if (id === undefined) return since === this.#changes;
    return since >= this.#gapAt && since >= (this.#changedAt.get(id) ?? 0);
  }

  session(id: string, urgency: Urgency = 'check'): Soon<Session | undefined> {
    return this.#ask(id, id, () => this.#sessions.find(id, urgency));
  }

  knowsCookie(secret: string): boolean {
    return this.#cookies.get(cookieHashOf(secret)) !== undefined;
  }

  byCookie(secret: string, urgency: Urgency = 'check'): Soon<Session | undefined> {
    const hash = cookieHashOf(secret);
    const id = this.#cookies.get(hash);
    // Anybody can make one up, and nothing but the database can tell.
    const asked = id !== undefined ? urgency : urgency === 'ending' ? 'check' : 'login';
    return this.#ask(id, hash, async () => {
      const found = await this.#sessions.findByCookie(secret, asked);
      if (found) this.#cookies.set(hash, found.session.id);
      return found;
    });
  }

  /** `id` where it is known; `key` names the question. */
  #ask(
    id: string | undefined,
    key: string,
    read: () => Promise<FoundSession | undefined>,
  ): Soon<Session | undefined> {
    const now = this.#clock.monotonic();
    const known = id === undefined ? undefined : this.#known.get(id);
    const current = known !== undefined && now < known.until ? known : undefined;
    if (!this.#feed.live) return this.#askDatabase(id, current, read);
    if (current) return this.#used(current, now);
    const reading = this.#reading.get(key);
    if (reading && this.#holds(id, reading.since)) return reading.answer;
    const since = this.#changes;
    const started: Reading = {
      since,
      answer: this.#readAndKeep(id, since, read).finally(() => {
        if (this.#reading.get(key) === started) this.#reading.delete(key);
      }),
    };
    this.#reading.set(key, started);
    return started.answer;
  }

  async #readAndKeep(
    id: string | undefined,
    since: number,
    read: () => Promise<FoundSession | undefined>,
  ): Promise<Session | undefined> {
    const now = this.#clock.monotonic();
    this.#reads++;
    try {
      const found = await read();
      const known = this.#toKnown(found, now);
      const sessionId = found?.session.id ?? id;
      if (sessionId !== undefined && this.#holds(sessionId, since)) this.#known.set(sessionId, known);
      return this.#used(known, now);
    } finally {
      this.#reads--;
      if (this.#reads === 0) this.#changedAt.clear();
    }
  }

  #toKnown(found: FoundSession | undefined, now: number): Known {
    if (!found) return {session: null, until: now + MAX_AGE_MS, useAt: Number.POSITIVE_INFINITY};
    return {
      session: found.session,
      until: now + Math.min(MAX_AGE_MS, found.remaining * 1000),
      useAt: now + this.#useEveryMs - found.unused * 1000,
    };
  }

  /** The feed is lost: nothing less than the database's word will do, or, without it, what was true a moment ago. */
  async #askDatabase(
    id: string | undefined,
    known: Known | undefined,
    read: () => Promise<FoundSession | undefined>,
  ): Promise<Session | undefined> {
    try {
      const now = this.#clock.monotonic();
      const found = await read();
      if (!found && id !== undefined) this.forget(id);
      return this.#used(this.#toKnown(found, now), now);
    } catch (error) {
      const age = this.#clock.monotonic() - this.#feed.confirmedAt;
      if (known && age <= STALE_MS && error instanceof AuthError && error.status === 503)
        return known.session ?? undefined;
      throw error;
    }
  }

  /** The session, if it stands. Its use moves its idle limit: now and then, not with every request. */
  #used(known: Known, now: number): Session | undefined {
    const {session} = known;
    if (session === null) return undefined;
    if (now >= known.useAt) {
      known.useAt = now + this.#useEveryMs;
      this.#sessions.used(session.id).catch((error: unknown) => {
        known.useAt = now + Math.min(USE_RETRY_MS, this.#useEveryMs);
        this.#onError(error);
      });
    }
    return session;
  }
}
