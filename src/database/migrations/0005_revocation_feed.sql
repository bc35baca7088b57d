-- Up Migration
-- Every replica keeps in memory which sessions stand, and is told here when that changes, whoever changes it: this
-- server in any version, or an administrator by hand. The triggers name their columns, so that a refresh, which
-- changes others, does not fire them.
CREATE FUNCTION _system.announce_session() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'TRUNCATE' THEN
        PERFORM pg_notify('fraiseql_auth_sessions', 'all');
    ELSE
        PERFORM pg_notify('fraiseql_auth_sessions', OLD.id::text);
    END IF;
    RETURN NULL;
END
$$;

CREATE TRIGGER announce_change AFTER UPDATE OF revoked_at, expires_at, user_id ON _system.sessions
    FOR EACH ROW EXECUTE FUNCTION _system.announce_session();

-- A session past its end is known to be so without a word; sweeping thousands of them says none.
CREATE TRIGGER announce_delete AFTER DELETE ON _system.sessions
    FOR EACH ROW WHEN (OLD.revoked_at IS NULL AND OLD.expires_at > extract(epoch FROM now()))
    EXECUTE FUNCTION _system.announce_session();

CREATE TRIGGER announce_truncate AFTER TRUNCATE ON _system.sessions
    FOR EACH STATEMENT EXECUTE FUNCTION _system.announce_session();

-- The provider's own name for the session (the claim sid), by which it ends it (OpenID Connect Back-Channel Logout).
ALTER TABLE _system.session_details ADD COLUMN provider_session TEXT;
CREATE INDEX idx_session_details_provider_session ON _system.session_details (issuer, provider_session)
    WHERE provider_session IS NOT NULL;

-- Logout tokens seen, so that none serves twice; kept until the token would be refused for its age.
--   token_hash  lowercase hex SHA-256 of issuer, line feed, jti
CREATE TABLE _system.logout_tokens (
    token_hash TEXT PRIMARY KEY,
    expires_at TIMESTAMPTZ NOT NULL
);

CREATE INDEX idx_logout_tokens_expires_at ON _system.logout_tokens (expires_at);
