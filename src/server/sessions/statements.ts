import type {Statement} from '../database.ts';

// All of the SQL about sessions but that which ends them. Times are the database's own, so that the replicas' clocks need
// not agree. Each statement is one transaction.

const NOW = 'extract(epoch FROM now())';
/** What time it is, and in which run of the database server: another server's clock is another clock. */
export const CLOCK = `extract(epoch FROM now())::float8 AS read_at,
  extract(epoch FROM pg_postmaster_start_time())::float8 AS server`;
const COLUMNS = 's.id, s.user_id, s.expires_at::float8 AS expires_at, d.provider, d.email, d.name';
/** How long it stands and how long it was not used, in seconds; and by which clock, the database's, that is. */
const SPANS = `(s.expires_at - ${NOW})::float8 AS remaining,
  extract(epoch FROM d.idle_expires_at - now())::float8 AS idle_remaining,
  extract(epoch FROM now() - d.last_used_at)::float8 AS unused,
  ${CLOCK}`;

/** The session of `s` was used now, and may be idle for that many seconds from here on. */
const used = (idleSeconds: '$2' | '$4'): string => `UPDATE _system.session_details d
      SET last_used_at = now(), idle_expires_at = now() + make_interval(secs => ${idleSeconds}::float8)
      FROM s WHERE d.session_id = s.id
      RETURNING d.session_id, d.provider, d.email, d.name`;

/** $1 user, $2 token hash, $3 lifetime, $4 provider, $5 issuer, $6 subject, $7 client, $8 email, $9 name, $10 idle,
 * $11 provider's session, $12 user agent, $13 sealed ID token. */
export const CREATE: Statement = {
  name: 'session-create',
  urgency: 'refresh',
  text: `
    WITH s AS (
      INSERT INTO _system.sessions (user_id, refresh_token_hash, issued_at, expires_at)
      VALUES ($1, $2, floor(${NOW})::bigint, floor(${NOW})::bigint + $3::bigint)
      RETURNING id, user_id, expires_at
    ), d AS (
      INSERT INTO _system.session_details
        (session_id, provider, issuer, subject, client_id, email, name, last_used_at, idle_expires_at, provider_session)
      SELECT id, $4, $5, $6, $7, $8, $9, now(), now() + make_interval(secs => $10::float8), $11 FROM s
      RETURNING provider, email, name
    ), i AS (
      INSERT INTO _system.sign_ins (session_id, user_agent, id_token_sealed)
      SELECT id, $12, $13::bytea FROM s WHERE $12::text IS NOT NULL OR $13::bytea IS NOT NULL
    )
    SELECT ${COLUMNS} FROM s, d`,
};

/** What makes a session alive, for a query with the session as `s`; the idle limit stands beside it. */
export const ALIVE = `s.revoked_at IS NULL AND s.expires_at > ${NOW}`;
const NOT_IDLE = `NOT EXISTS (
  SELECT FROM _system.session_details i WHERE i.session_id = s.id AND i.idle_expires_at <= now())`;

/**
 * $1 hash of the presented token, $2 hash of its successor, $3 the successor sealed to the presented token, $4 idle
 * seconds. No row: the token is not the current one. Of several at once the first takes the row's lock; the others see,
 * when they get it, that the hash is another, and change nothing.
 */
export const ROTATE: Statement = {
  name: 'session-rotate',
  urgency: 'refresh',
  text: `
    WITH s AS (
      UPDATE _system.sessions s SET refresh_token_hash = $2
      WHERE s.refresh_token_hash = $1 AND ${ALIVE} AND ${NOT_IDLE}
      RETURNING s.id, s.user_id, s.expires_at
    ), remembered AS (
      INSERT INTO _system.refresh_history (token_hash, session_id, rotated_at, successor_sealed)
      SELECT $1, s.id, clock_timestamp(), $3::bytea FROM s
    ), d AS (
      ${used('$4')}
    )
    SELECT ${COLUMNS} FROM s LEFT JOIN d ON d.session_id = s.id`,
};

/**
 * The same for many tokens: $1 their hashes, $2 those of their successors, $3 the sealed successors (base64), three
 * arrays of one length; $4 idle seconds. A row for each token exchanged, `presented` its hash. A session whose row is
 * locked is left out instead of waited for: all the others would wait too, and two such statements could wait for each
 * other. LATERAL, the LIMIT and the length, which is always so and makes the planner expect few tokens, keep to one
 * look-up a token: a plan made while the tables were empty would else go through what by now is large.
 */
export const ROTATE_MANY: Statement = {
  name: 'session-rotate-many',
  urgency: 'refresh',
  text: `
    WITH held AS (
      SELECT s.id, s.user_id, s.expires_at, g.hash, g.successor, g.sealed
      FROM unnest($1::text[], $2::text[], $3::text[]) AS g (hash, successor, sealed)
      CROSS JOIN LATERAL (
        SELECT s.id, s.user_id, s.expires_at FROM _system.sessions s
        WHERE s.refresh_token_hash = g.hash AND ${ALIVE} AND coalesce(
          (SELECT i.idle_expires_at > now() FROM _system.session_details i WHERE i.session_id = s.id), true)
        LIMIT 1 FOR UPDATE SKIP LOCKED
      ) s
      WHERE length(g.hash) = 64
    ), s AS (
      UPDATE _system.sessions s SET refresh_token_hash = held.successor FROM held WHERE s.id = held.id
      RETURNING s.id, s.user_id, s.expires_at, held.hash, held.sealed
    ), remembered AS (
      INSERT INTO _system.refresh_history (token_hash, session_id, rotated_at, successor_sealed)
      SELECT s.hash, s.id, clock_timestamp(), decode(s.sealed, 'base64') FROM s
    ), d AS (
      ${used('$4')}
    )
    SELECT s.hash AS presented, ${COLUMNS} FROM s LEFT JOIN d ON d.session_id = s.id`,
};

/** $1 token hash, $2 idle seconds. For refreshRotation Static: the token stays. */
export const TOUCH: Statement = {
  name: 'session-touch',
  urgency: 'refresh',
  text: `
    WITH s AS (
      SELECT s.id, s.user_id, s.expires_at FROM _system.sessions s
      WHERE s.refresh_token_hash = $1 AND ${ALIVE} AND ${NOT_IDLE}
    ), d AS (
      ${used('$2')}
    )
    SELECT ${COLUMNS} FROM s LEFT JOIN d ON d.session_id = s.id`,
};

/**
 * $1 hash of a token that was not exchanged, $2 replay window in seconds. No row: it never was a token; `current`: it is
 * one that may still be exchanged, or the last one of a session that has ended. A token from before the window ends its
 * session; `ended` says that this call did it. `links` holds what was rotated lately, hash to sealed successor (base64),
 * and `current_hash` the live token's, both as of one moment: whoever has the token can open link after link up to the
 * live one. All that was rotated after a token in its window is in its window too, so none of those links has been
 * emptied.
 */
export const REPLAY: Statement = {
  name: 'session-replay',
  urgency: 'refresh',
  text: `
    WITH h AS (
      SELECT h.session_id,
        h.rotated_at > clock_timestamp() - make_interval(secs => $2::float8) AS fresh
      FROM _system.refresh_history h WHERE h.token_hash = $1
    ), ended AS (
      UPDATE _system.sessions s SET revoked_at = now() FROM h
      WHERE s.id = h.session_id AND NOT h.fresh AND ${ALIVE}
      RETURNING s.id
    ), gone AS (
      DELETE FROM _system.sign_ins i USING ended e WHERE i.session_id = e.id
    )
    SELECT ${COLUMNS}, h.fresh, (${ALIVE} AND ${NOT_IDLE}) AS alive, EXISTS (SELECT FROM ended) AS ended,
      s.refresh_token_hash AS current_hash,
      CASE WHEN h.fresh THEN (
        SELECT json_object_agg(l.token_hash, encode(l.successor_sealed, 'base64'))
        FROM _system.refresh_history l
        WHERE l.session_id = h.session_id AND l.successor_sealed IS NOT NULL
      ) END AS links, false AS current
    FROM h JOIN _system.sessions s ON s.id = h.session_id
    LEFT JOIN _system.session_details d ON d.session_id = s.id
    UNION ALL
    SELECT ${COLUMNS}, false, (${ALIVE} AND ${NOT_IDLE}), false, s.refresh_token_hash, NULL::json, true
    FROM _system.sessions s LEFT JOIN _system.session_details d ON d.session_id = s.id
    WHERE s.refresh_token_hash = $1 AND NOT EXISTS (SELECT FROM h)`,
};

/** $1 session id. */
export const FIND: Statement = {
  name: 'session-find',
  text: `
    SELECT ${COLUMNS}, ${SPANS} FROM _system.sessions s
    LEFT JOIN _system.session_details d ON d.session_id = s.id
    WHERE s.id = $1::uuid AND ${ALIVE} AND ${NOT_IDLE}`,
};

/** $1 hash of the session cookie. */
export const FIND_BY_COOKIE: Statement = {
  name: 'session-find-by-cookie',
  text: `
    SELECT ${COLUMNS}, ${SPANS} FROM _system.sessions s
    LEFT JOIN _system.session_details d ON d.session_id = s.id
    WHERE s.refresh_token_hash = $1 AND ${ALIVE} AND ${NOT_IDLE}`,
};

/** $1 session id, $2 idle seconds: it was used. A session past its idle limit stays so. */
export const USED: Statement = {
  name: 'session-used',
  text: `
    UPDATE _system.session_details
    SET last_used_at = now(), idle_expires_at = now() + make_interval(secs => $2::float8)
    WHERE session_id = $1::uuid AND idle_expires_at > now()`,
};

/** $1 hash of a refresh token, the current one or an earlier one: the session that it belongs to, if alive. */
export const FIND_BY_TOKEN: Statement = {
  name: 'session-find-by-token',
  text: `
    SELECT ${COLUMNS} FROM _system.sessions s
    LEFT JOIN _system.session_details d ON d.session_id = s.id
    WHERE s.id = coalesce(
      (SELECT id FROM _system.sessions WHERE refresh_token_hash = $1),
      (SELECT session_id FROM _system.refresh_history WHERE token_hash = $1)) AND ${ALIVE} AND ${NOT_IDLE}`,
};

/** $1 hash of a refresh token: the session whose current one it is. */
export const FIND_BY_CURRENT_TOKEN: Statement = {
  name: 'session-find-by-current-token',
  text: `
    SELECT ${COLUMNS} FROM _system.sessions s
    LEFT JOIN _system.session_details d ON d.session_id = s.id
    WHERE s.refresh_token_hash = $1 AND ${ALIVE} AND ${NOT_IDLE}`,
};

/** $1 user id. */
export const OF_USER: Statement = {
  name: 'sessions-of-user',
  text: `
    SELECT s.id, d.provider, s.issued_at::float8 AS created_at, s.expires_at::float8 AS expires_at,
      extract(epoch FROM d.last_used_at)::float8 AS last_used_at, i.user_agent
    FROM _system.sessions s
    LEFT JOIN _system.session_details d ON d.session_id = s.id
    LEFT JOIN _system.sign_ins i ON i.session_id = s.id
    WHERE s.user_id = $1 AND ${ALIVE} AND ${NOT_IDLE}
    ORDER BY coalesce(d.last_used_at, s.created_at) DESC LIMIT 100`,
};

// What an administrator's command asks.

/** $1 a user's subject or our id of the user, $2 issuer or null. */
export const KNOWN_USERS = `
    SELECT DISTINCT s.user_id, d.issuer FROM _system.sessions s
    LEFT JOIN _system.session_details d ON d.session_id = s.id
    WHERE (d.subject = $1 OR s.user_id = $1) AND ($2::text IS NULL OR d.issuer = $2)
    ORDER BY d.issuer`;

/** $1 user ids. */
export const OF_USERS = `
    SELECT s.id, s.user_id, d.issuer, s.issued_at::float8 AS created_at, s.expires_at::float8 AS expires_at,
      extract(epoch FROM d.last_used_at)::float8 AS last_used_at, i.user_agent
    FROM _system.sessions s
    LEFT JOIN _system.session_details d ON d.session_id = s.id
    LEFT JOIN _system.sign_ins i ON i.session_id = s.id
    WHERE s.user_id = ANY ($1::text[]) AND ${ALIVE} AND ${NOT_IDLE}
    ORDER BY coalesce(d.last_used_at, s.created_at) DESC`;

/** $1 session id. */
export const SESSION_IS_KNOWN = 'SELECT FROM _system.sessions WHERE id = $1::uuid';
