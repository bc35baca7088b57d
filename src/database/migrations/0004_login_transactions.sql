-- Up Migration
-- Logins under way, so that the callback may reach any replica. Consumed once, by DELETE with RETURNING.
--   state_hash            lowercase hex SHA-256 of the state parameter
--   code_verifier_sealed  PKCE verifier and nonce, sealed with a key that needs the state itself
--   binding_hash          lowercase hex SHA-256 of the binding cookie; null where the login is not bound to a browser
--   return_to             where a browser goes afterwards; null: the callback answers with tokens
CREATE TABLE _system.login_transactions (
    id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    state_hash TEXT NOT NULL UNIQUE,
    provider TEXT NOT NULL,
    code_verifier_sealed BYTEA NOT NULL,
    binding_hash TEXT,
    return_to TEXT,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    expires_at TIMESTAMPTZ NOT NULL
);

CREATE INDEX idx_login_transactions_expires_at ON _system.login_transactions (expires_at);
