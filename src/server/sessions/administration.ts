import type {ClientBase} from 'pg';
import {ADMINISTRATOR_ENDS, type AdministratorEndedRow} from './ending-statements.ts';
import {KNOWN_USERS, OF_USERS, SESSION_IS_KNOWN} from './statements.ts';

/** A person as an administrator names one: the provider's name for the user, or our own id of the user. */
export interface NamedUser {
  readonly user: string;
  /** Whose subject it is, where several providers have one of that name. */
  readonly issuer: string | undefined;
}

/** A user of whom there is a session, be it one that has ended. */
export interface KnownUser {
  readonly userId: string;
  /** Unknown where another program made the session. */
  readonly issuer: string | undefined;
}

/** A session that stands. Times in seconds since the epoch. */
export interface AdministratedSession extends KnownUser {
  readonly id: string;
  readonly createdAt: number;
  readonly lastUsedAt: number | undefined;
  readonly expiresAt: number;
  readonly userAgent: string | undefined;
}

export interface EndedSession {
  readonly id: string;
  readonly userId: string;
  readonly provider: string | undefined;
}

export type Named =
  | {readonly kind: 'session'; readonly id: string}
  | {readonly kind: 'user'; readonly id: string}
  | {readonly kind: 'all'};

/** Whom that name may mean: more than one where two providers have a user of that subject. */
export async function usersNamed(client: ClientBase, {user, issuer}: NamedUser): Promise<KnownUser[]> {
  const {rows} = await client.query<{user_id: string; issuer: string | null}>(KNOWN_USERS, [
    user,
    issuer ?? null,
  ]);
  return rows.map((row) => ({userId: row.user_id, issuer: row.issuer ?? undefined}));
}

/** The sessions of those users that stand, those used last first. */
export async function sessionsOf(
  client: ClientBase,
  users: readonly KnownUser[],
): Promise<AdministratedSession[]> {
  const {rows} = await client.query<{
    id: string;
    user_id: string;
    issuer: string | null;
    created_at: number;
    last_used_at: number | null;
    expires_at: number;
    user_agent: string | null;
  }>(OF_USERS, [users.map(({userId}) => userId)]);
  return rows.map((row) => ({
    id: row.id,
    userId: row.user_id,
    issuer: row.issuer ?? undefined,
    createdAt: row.created_at,
    lastUsedAt: row.last_used_at ?? undefined,
    expiresAt: row.expires_at,
    userAgent: row.user_agent ?? undefined,
  }));
}

/** Whether there is, or lately was, a session of that id. */
export async function sessionIsKnown(client: ClientBase, id: string): Promise<boolean> {
  return (await client.query(SESSION_IS_KNOWN, [id])).rowCount === 1;
}

/** Ends what is named, as a logout does: all of it or, where this throws, nothing. Those that stood until now. */
export async function endNamed(client: ClientBase, named: Named): Promise<EndedSession[]> {
  const {rows} = await client.query<AdministratorEndedRow>(
    ADMINISTRATOR_ENDS[named.kind],
    named.kind === 'all' ? [] : [named.id],
  );
  return rows.map((row) => ({id: row.id, userId: row.user_id, provider: row.provider ?? undefined}));
}
