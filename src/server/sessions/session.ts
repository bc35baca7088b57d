import type {Soon} from '../../support/soon.ts';
import type {Urgency} from '../overload/urgency.ts';

/** Who logged in: what the provider says of the user. */
export interface Identity {
  readonly provider: string;
  readonly issuer: string;
  readonly subject: string;
  readonly email: string | undefined;
  readonly name: string | undefined;
  /** The provider's own name for its session (the claim `sid`), where it gives one. */
  readonly providerSession?: string | undefined;
}

/** What a session keeps of the sign-in that it comes from. */
export interface SignIn {
  /** What signed in, in words: "Firefox on Linux". */
  readonly userAgent?: string | undefined;
  /** The provider's ID token, as it came. */
  readonly idToken?: string | undefined;
}

/** A session that is alive. */
export interface Session {
  readonly id: string;
  readonly userId: string;
  /** The absolute end, seconds since the epoch. */
  readonly expiresAt: number;
  /** These are unknown for a session that another program made. */
  readonly provider: string | undefined;
  readonly email: string | undefined;
  readonly name: string | undefined;
}

/** A session in a list of its user's. Times in seconds since the epoch. */
export interface ListedSession {
  readonly id: string;
  readonly provider: string | undefined;
  readonly createdAt: number;
  readonly lastUsedAt: number | undefined;
  readonly expiresAt: number;
  /** What signed in: "Firefox on Linux". */
  readonly userAgent: string | undefined;
}

/** A session as it was found, with what may be kept of it. Spans are seconds, by the database's clock. */
export interface FoundSession {
  readonly session: Session;
  /** How long it stands if nobody uses it and nobody ends it. */
  readonly remaining: number;
  /** How long it has not been used. */
  readonly unused: number;
  /** When it was found so, seconds since the epoch, by the clock of which run of a database server. */
  readonly read: {readonly time: number; readonly server: number};
}

/** Whether a session that a credential names still stands. */
export interface RevocationCheck {
  /** The session, or undefined where it has ended or never was. Rejects with AuthError 503 where that cannot be known. */
  session(id: string, urgency?: Urgency): Soon<Session | undefined>;
  /** The session of a browser's cookie, likewise. One that is not known comes after what is. */
  byCookie(secret: string, urgency?: Urgency): Soon<Session | undefined>;
  /** Whether that cookie was seen here before, and had a session. */
  knowsCookie(secret: string): boolean;
}

/** The row that every query of a session returns. */
export interface SessionRow {
  readonly id: string;
  readonly user_id: string;
  readonly expires_at: number;
  readonly provider: string | null;
  readonly email: string | null;
  readonly name: string | null;
}

/** The session of a row. */
export function toSession(row: SessionRow): Session {
  return {
    id: row.id,
    userId: row.user_id,
    expiresAt: row.expires_at,
    provider: row.provider ?? undefined,
    email: row.email ?? undefined,
    name: row.name ?? undefined,
  };
}

/** The row of a session with its spans, see {@link FoundSession}. */
export interface FoundRow extends SessionRow {
  readonly remaining: number;
  readonly idle_remaining: number | null;
  readonly unused: number | null;
  readonly read_at: number;
  readonly server: number;
}

/** The session of a row, and what may be kept of it. */
export function toFound(row: FoundRow): FoundSession {
  return {
    session: toSession(row),
    remaining: Math.min(row.remaining, row.idle_remaining ?? row.remaining),
    unused: row.unused ?? 0,
    read: {time: row.read_at, server: row.server},
  };
}
