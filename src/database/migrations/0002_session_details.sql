-- Up Migration
-- What a session needs beside the guide's columns. A session without a row here (made by hand, or by another version)
-- is a session still: readers join from the left.
CREATE TABLE _system.session_details (
    session_id UUID PRIMARY KEY REFERENCES _system.sessions (id) ON DELETE CASCADE,
    provider TEXT,
    issuer TEXT,
    subject TEXT,
    client_id TEXT,
    email TEXT,
    name TEXT,
    last_used_at TIMESTAMPTZ,
    idle_expires_at TIMESTAMPTZ
);

-- A provider names a user by (issuer, subject) when it ends a session.
CREATE INDEX idx_session_details_subject ON _system.session_details (issuer, subject);
