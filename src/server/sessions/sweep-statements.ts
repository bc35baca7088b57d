import type {Statement} from '../database.ts';

// The SQL that removes what nobody can ask for any more, a batch at a time: each of them ends far below the limit of a
// statement, says whether more may be left, and leaves to another replica what that one is at work on.

/** The row that each of these returns. */
export interface SweptRow {
  readonly swept: number;
  readonly more: boolean;
}

const BATCH = 5_000;
/** A session has hundreds of refreshes in its history. */
const SESSIONS = 500;

/** $1 replay window in seconds: a successor that nobody may ask for any more is emptied. */
export const FORGET_SUCCESSORS: Statement = {
  name: 'sweep-successors',
  urgency: 'login',
  text: `
    WITH swept AS (
      UPDATE _system.refresh_history SET successor_sealed = NULL WHERE token_hash IN (
        SELECT token_hash FROM _system.refresh_history
        WHERE successor_sealed IS NOT NULL AND rotated_at < now() - make_interval(secs => $1::float8 + 5)
        ORDER BY rotated_at LIMIT ${BATCH} FOR UPDATE SKIP LOCKED)
      RETURNING 1
    )
    SELECT count(*)::int AS swept, count(*) = ${BATCH} AS more FROM swept`,
};

/**
 * Sessions a week past their end; what belongs to them goes too. Their history first, as much of it as a batch holds: the
 * sessions go with the batch that comes to its end.
 */
export const DELETE_ENDED: Statement = {
  name: 'sweep-sessions',
  urgency: 'login',
  text: `
    WITH old AS MATERIALIZED (
      SELECT id FROM _system.sessions WHERE expires_at < (extract(epoch FROM now()) - 604800)::bigint
      ORDER BY expires_at LIMIT ${SESSIONS} FOR UPDATE SKIP LOCKED
    ), history AS (
      DELETE FROM _system.refresh_history WHERE token_hash IN (
        SELECT h.token_hash FROM old JOIN _system.refresh_history h ON h.session_id = old.id LIMIT ${BATCH})
      RETURNING 1
    ), swept AS (
      DELETE FROM _system.sessions s USING old
      WHERE s.id = old.id AND (SELECT count(*) FROM history) < ${BATCH}
      RETURNING 1
    )
    SELECT (SELECT count(*) FROM swept)::int AS swept,
      (SELECT count(*) FROM old) = ${SESSIONS} OR (SELECT count(*) FROM history) = ${BATCH} AS more`,
};

/** Logout tokens that would be refused for their age. */
export const FORGET_LOGOUT_TOKENS = forgetExpired('sweep-logout-tokens', 'logout_tokens', 'token_hash');

/** Logins that took too long. */
export const FORGET_LOGINS = forgetExpired('sweep-logins', 'login_transactions', 'id');

function forgetExpired(name: string, table: string, key: string): Statement {
  return {
    name,
    urgency: 'login',
    text: `
    WITH swept AS (
      DELETE FROM _system.${table} WHERE ${key} IN (
        SELECT ${key} FROM _system.${table} WHERE expires_at < now()
        ORDER BY expires_at LIMIT ${BATCH} FOR UPDATE SKIP LOCKED)
      RETURNING 1
    )
    SELECT count(*)::int AS swept, count(*) = ${BATCH} AS more FROM swept`,
  };
}
