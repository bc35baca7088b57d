/** Who logged in: what the provider says of the user. */
export interface Identity {
  readonly provider: string;
  readonly issuer: string;
  readonly subject: string;
  readonly email: string | undefined;
  readonly name: string | undefined;
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

/**
 * Whether a session that a token names still stands. Reads the database each time; a feed of revocations may take
 * its place.
 */
export interface RevocationCheck {
  /** The session, or undefined where it has ended or never was. */
  session(id: string): Promise<Session | undefined>;
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
