-- Up Migration
-- What a session keeps of the sign-in that it came from: written once, and gone when the session ends. A session without
-- a row here (an older one, or one of another program's) is a session still: readers join from the left.
--   user_agent       what signed in, as a person reads it: "Firefox on Linux"
--   id_token_sealed  the provider's ID token, sealed to the cookie of the browser's session: only who presents the cookie
--                    can open it. It is the id_token_hint when the person signs out (OpenID Connect RP-Initiated Logout)
CREATE TABLE _system.sign_ins (
    session_id UUID PRIMARY KEY REFERENCES _system.sessions (id) ON DELETE CASCADE,
    user_agent TEXT,
    id_token_sealed BYTEA
);
