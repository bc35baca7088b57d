-- Up Migration
-- The refresh tokens that have been rotated away. `successor_sealed` is the token that replaced this one, sealed to
-- this one: only who presents the old token can open it. It may be emptied once the replay window has passed; the row
-- stays as the proof of reuse.
CREATE TABLE _system.refresh_history (
    token_hash TEXT PRIMARY KEY,
    session_id UUID NOT NULL REFERENCES _system.sessions (id) ON DELETE CASCADE,
    rotated_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    successor_sealed BYTEA
);

CREATE INDEX idx_refresh_history_session_id ON _system.refresh_history (session_id);
CREATE INDEX idx_refresh_history_rotated_at ON _system.refresh_history (rotated_at);
