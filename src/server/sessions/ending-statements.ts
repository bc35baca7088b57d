import type {Statement} from '../database.ts';
import {ALIVE} from './statements.ts';

// The SQL that ends sessions. What a session kept of its sign-in goes with it: the sealed ID token is handed out here
// for the last time.

/** What follows a CTE `ended` of the sessions that a statement ended. */
const GONE = `gone AS (
      DELETE FROM _system.sign_ins i USING ended e WHERE i.session_id = e.id RETURNING i.session_id, i.id_token_sealed
    )`;

const ending = (condition: string): string => `
    WITH ended AS (
      UPDATE _system.sessions s SET revoked_at = now() WHERE ${condition} AND ${ALIVE} RETURNING s.id
    ), ${GONE}
    SELECT e.id, g.id_token_sealed FROM ended e LEFT JOIN gone g ON g.session_id = e.id`;

/** The row that each of these returns. */
export interface EndedRow {
  readonly id: string;
  readonly id_token_sealed: Buffer | null;
}

/** $1 session id. */
export const REVOKE: Statement = {
  name: 'session-revoke',
  urgency: 'ending',
  text: ending('s.id = $1::uuid'),
};

/** $1 session id, $2 user id. */
export const REVOKE_OWN: Statement = {
  name: 'session-revoke-own',
  urgency: 'ending',
  text: ending('s.id = $1::uuid AND s.user_id = $2'),
};

/** $1 user id. */
export const REVOKE_ALL: Statement = {
  name: 'session-revoke-all',
  urgency: 'ending',
  text: ending('s.user_id = $1'),
};

/**
 * $1 hash of the logout token's id, $2 when it expires (seconds since the epoch), $3 issuer, $4 the provider's session
 * or null, $5 subject or null. Without a row the token was used before. A session whose provider's session is not known
 * ends with its user's.
 */
export const END_AT_PROVIDER: Statement = {
  name: 'session-end-at-provider',
  urgency: 'ending',
  text: `
    WITH seen AS (
      INSERT INTO _system.logout_tokens (token_hash, expires_at)
      VALUES ($1, to_timestamp($2::float8) + interval '2 minutes')
      ON CONFLICT DO NOTHING RETURNING token_hash
    ), ended AS (
      UPDATE _system.sessions s SET revoked_at = now()
      FROM _system.session_details d, seen
      WHERE d.session_id = s.id AND d.issuer = $3 AND ${ALIVE}
        AND ($5::text IS NULL OR d.subject = $5)
        AND ($4::text IS NULL OR d.provider_session = $4 OR (d.provider_session IS NULL AND d.subject = $5))
      RETURNING s.id, s.user_id
    ), ${GONE}
    SELECT e.id, e.user_id FROM seen LEFT JOIN ended e ON true`,
};

/** The row that each of these returns. */
export interface AdministratorEndedRow {
  readonly id: string;
  readonly user_id: string;
  readonly provider: string | null;
}

const endingForAdministrator = (condition: string): string => `
    WITH ended AS (
      UPDATE _system.sessions s SET revoked_at = now() WHERE ${condition} AND ${ALIVE} RETURNING s.id, s.user_id
    ), ${GONE}
    SELECT e.id, e.user_id, d.provider FROM ended e LEFT JOIN _system.session_details d ON d.session_id = e.id`;

/** By what an administrator names: $1 session id; $1 user id; nothing. */
export const ADMINISTRATOR_ENDS: Readonly<Record<'session' | 'user' | 'all', string>> = {
  session: endingForAdministrator('s.id = $1::uuid'),
  user: endingForAdministrator('s.user_id = $1'),
  all: endingForAdministrator('true'),
};
