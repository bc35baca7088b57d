CREATE SCHEMA _system;
CREATE FUNCTION _system.announce_session() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    IF TG_OP = 'TRUNCATE' THEN
        PERFORM pg_notify('fraiseql_auth_sessions', 'all');
    ELSE
        PERFORM pg_notify('fraiseql_auth_sessions', OLD.id::text);
    END IF;
    RETURN NULL;
END
$$;
CREATE TABLE _system.login_transactions (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    state_hash text NOT NULL,
    provider text NOT NULL,
    code_verifier_sealed bytea NOT NULL,
    binding_hash text,
    return_to text,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    expires_at timestamp with time zone NOT NULL
);
CREATE TABLE _system.logout_tokens (
    token_hash text NOT NULL,
    expires_at timestamp with time zone NOT NULL
);
CREATE TABLE _system.refresh_history (
    token_hash text NOT NULL,
    session_id uuid NOT NULL,
    rotated_at timestamp with time zone DEFAULT now() NOT NULL,
    successor_sealed bytea
);
CREATE TABLE _system.schema_migrations (
    id integer NOT NULL,
    name character varying(255) NOT NULL,
    run_on timestamp without time zone NOT NULL
);
CREATE SEQUENCE _system.schema_migrations_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE _system.schema_migrations_id_seq OWNED BY _system.schema_migrations.id;
CREATE TABLE _system.session_details (
    session_id uuid NOT NULL,
    provider text,
    issuer text,
    subject text,
    client_id text,
    email text,
    name text,
    last_used_at timestamp with time zone,
    idle_expires_at timestamp with time zone,
    provider_session text
);
CREATE TABLE _system.sessions (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    user_id text NOT NULL,
    refresh_token_hash text NOT NULL,
    issued_at bigint NOT NULL,
    expires_at bigint NOT NULL,
    created_at timestamp with time zone DEFAULT now(),
    revoked_at timestamp with time zone
);
CREATE TABLE _system.sign_ins (
    session_id uuid NOT NULL,
    user_agent text,
    id_token_sealed bytea
);
ALTER TABLE ONLY _system.schema_migrations ALTER COLUMN id SET DEFAULT nextval('_system.schema_migrations_id_seq'::regclass);
ALTER TABLE ONLY _system.login_transactions
    ADD CONSTRAINT login_transactions_pkey PRIMARY KEY (id);
ALTER TABLE ONLY _system.login_transactions
    ADD CONSTRAINT login_transactions_state_hash_key UNIQUE (state_hash);
ALTER TABLE ONLY _system.logout_tokens
    ADD CONSTRAINT logout_tokens_pkey PRIMARY KEY (token_hash);
ALTER TABLE ONLY _system.refresh_history
    ADD CONSTRAINT refresh_history_pkey PRIMARY KEY (token_hash);
ALTER TABLE ONLY _system.schema_migrations
    ADD CONSTRAINT schema_migrations_pkey PRIMARY KEY (id);
ALTER TABLE ONLY _system.session_details
    ADD CONSTRAINT session_details_pkey PRIMARY KEY (session_id);
ALTER TABLE ONLY _system.sessions
    ADD CONSTRAINT sessions_pkey PRIMARY KEY (id);
ALTER TABLE ONLY _system.sessions
    ADD CONSTRAINT sessions_refresh_token_hash_key UNIQUE (refresh_token_hash);
ALTER TABLE ONLY _system.sign_ins
    ADD CONSTRAINT sign_ins_pkey PRIMARY KEY (session_id);
CREATE INDEX idx_login_transactions_expires_at ON _system.login_transactions USING btree (expires_at);
CREATE INDEX idx_logout_tokens_expires_at ON _system.logout_tokens USING btree (expires_at);
CREATE INDEX idx_refresh_history_sealed ON _system.refresh_history USING btree (rotated_at) WHERE (successor_sealed IS NOT NULL);
CREATE INDEX idx_refresh_history_session_id ON _system.refresh_history USING btree (session_id);
CREATE INDEX idx_session_details_provider_session ON _system.session_details USING btree (issuer, provider_session) WHERE (provider_session IS NOT NULL);
CREATE INDEX idx_session_details_subject ON _system.session_details USING btree (issuer, subject);
CREATE INDEX idx_sessions_expires_at ON _system.sessions USING btree (expires_at);
CREATE INDEX idx_sessions_revoked_at ON _system.sessions USING btree (revoked_at);
CREATE INDEX idx_sessions_user_id ON _system.sessions USING btree (user_id);
CREATE TRIGGER announce_change AFTER UPDATE OF revoked_at, expires_at, user_id ON _system.sessions FOR EACH ROW EXECUTE FUNCTION _system.announce_session();
CREATE TRIGGER announce_delete AFTER DELETE ON _system.sessions FOR EACH ROW WHEN (((old.revoked_at IS NULL) AND ((old.expires_at)::numeric > EXTRACT(epoch FROM now())))) EXECUTE FUNCTION _system.announce_session();
CREATE TRIGGER announce_truncate AFTER TRUNCATE ON _system.sessions FOR EACH STATEMENT EXECUTE FUNCTION _system.announce_session();
ALTER TABLE ONLY _system.refresh_history
    ADD CONSTRAINT refresh_history_session_id_fkey FOREIGN KEY (session_id) REFERENCES _system.sessions(id) ON DELETE CASCADE;
ALTER TABLE ONLY _system.session_details
    ADD CONSTRAINT session_details_session_id_fkey FOREIGN KEY (session_id) REFERENCES _system.sessions(id) ON DELETE CASCADE;
ALTER TABLE ONLY _system.sign_ins
    ADD CONSTRAINT sign_ins_session_id_fkey FOREIGN KEY (session_id) REFERENCES _system.sessions(id) ON DELETE CASCADE;