-- Up Migration
-- The sessions: one row a session, column for column the table of the deployment guide, so that a table made by hand
-- from the guide is adopted as it is (its columns have been compared before this runs).
--   user_id             the user's stable identifier, derived from (issuer, subject)
--   refresh_token_hash  lowercase hex SHA-256 of the current refresh token
--   issued_at           seconds since the epoch
--   expires_at          seconds since the epoch: the absolute end of the session
--   revoked_at          when it was ended before its time
CREATE TABLE IF NOT EXISTS _system.sessions (
    id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id TEXT NOT NULL,
    refresh_token_hash TEXT NOT NULL UNIQUE,
    issued_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    created_at TIMESTAMPTZ DEFAULT NOW(),
    revoked_at TIMESTAMPTZ
);

-- Only a table's owner may index it, and even IF NOT EXISTS asks for that. An adopted table of another owner keeps
-- the indexes that it has; `db verify` names those that are missing.
DO $$
BEGIN
    IF pg_has_role((SELECT relowner FROM pg_class WHERE oid = '_system.sessions'::regclass), 'USAGE') THEN
        CREATE INDEX IF NOT EXISTS idx_sessions_user_id ON _system.sessions (user_id);
        CREATE INDEX IF NOT EXISTS idx_sessions_expires_at ON _system.sessions (expires_at);
        CREATE INDEX IF NOT EXISTS idx_sessions_revoked_at ON _system.sessions (revoked_at);
    END IF;
END
$$;
