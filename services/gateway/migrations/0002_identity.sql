-- migrate:up
-- Who may come in, and as whom. Instants are microseconds since the Unix epoch, UTC. Nothing here is folded from a
-- stream: these tables are the truth, and a rebuild of the schema carries them over (ADR: accounts are truth).
-- A person's id is also the name of the trading account that heads the person's family of accounts.
CREATE TABLE users (
    id               text   PRIMARY KEY CHECK (id ~ '^u[0-9a-f]{20}$'),
    display_name     text   NOT NULL DEFAULT '',
    username         text   UNIQUE,
    email            text,
    tier             text   NOT NULL DEFAULT 'free' CHECK (tier IN ('free', 'basic', 'pro', 'enterprise')),
    kyc              text   NOT NULL DEFAULT 'none' CHECK (kyc IN ('none', 'pending', 'verified', 'refused')),
    risk             text   NOT NULL DEFAULT 'normal' CHECK (risk IN ('low', 'normal', 'high', 'blocked')),
    status           text   NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'suspended', 'closed')),
    scopes           text[] NOT NULL DEFAULT '{}',
    referral_code    text   NOT NULL UNIQUE,
    referred_by      text   REFERENCES users (id),
    preferences      jsonb  NOT NULL DEFAULT '{}',
    created_at       bigint NOT NULL,
    updated_at       bigint NOT NULL,
    last_sign_in_at  bigint
);
CREATE INDEX users_referred_by ON users (referred_by) WHERE referred_by IS NOT NULL;

-- A key pair is one person's, whatever the chains on which it is used.
CREATE TABLE wallet_keys (
    family     text   NOT NULL CHECK (family IN ('evm', 'solana', 'bitcoin')),
    address    text   NOT NULL,
    user_id    text   NOT NULL REFERENCES users (id),
    proved_at  bigint NOT NULL,
    PRIMARY KEY (family, address),
    UNIQUE (family, address, user_id)
);

CREATE TABLE wallets (
    user_id    text    NOT NULL,
    chain      text    NOT NULL,
    address    text    NOT NULL,
    family     text    NOT NULL,
    label      text    NOT NULL DEFAULT '',
    is_main    boolean NOT NULL DEFAULT false,
    linked_at  bigint  NOT NULL,
    PRIMARY KEY (user_id, chain, address),
    FOREIGN KEY (family, address, user_id) REFERENCES wallet_keys (family, address, user_id)
);
CREATE UNIQUE INDEX wallets_one_main ON wallets (user_id) WHERE is_main;

CREATE TABLE external_identities (
    issuer     text   NOT NULL,
    subject    text   NOT NULL,
    user_id    text   NOT NULL REFERENCES users (id),
    linked_at  bigint NOT NULL,
    PRIMARY KEY (issuer, subject)
);
CREATE INDEX external_identities_user ON external_identities (user_id);

CREATE TABLE nonces (
    nonce       text   PRIMARY KEY,
    purpose     text   NOT NULL CHECK (purpose IN ('sign_in', 'link', 'request')),
    user_id     text,
    expires_at  bigint NOT NULL,
    used_at     bigint
);
CREATE INDEX nonces_expiry ON nonces (expires_at);

CREATE TABLE sessions (
    id            text   PRIMARY KEY,
    user_id       text   NOT NULL REFERENCES users (id),
    method        text   NOT NULL,
    ip            text   NOT NULL,
    user_agent    text   NOT NULL,
    created_at    bigint NOT NULL,
    refreshed_at  bigint NOT NULL,
    expires_at    bigint NOT NULL,
    revoked_at    bigint,
    reason        text
);
CREATE INDEX sessions_user ON sessions (user_id, created_at);
CREATE INDEX sessions_expiry ON sessions (expires_at);

CREATE TABLE refresh_tokens (
    hash        bytea  PRIMARY KEY CHECK (length(hash) = 32),
    session_id  text   NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    user_id     text   NOT NULL,
    issued_at   bigint NOT NULL,
    expires_at  bigint NOT NULL,
    used_at     bigint
);
CREATE INDEX refresh_tokens_session ON refresh_tokens (session_id);

CREATE TABLE wallet_connections (
    id               bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    user_id          text   NOT NULL,
    session_id       text   NOT NULL,
    chain            text   NOT NULL,
    address          text   NOT NULL,
    provider         text   NOT NULL DEFAULT '',
    ip               text   NOT NULL,
    user_agent       text   NOT NULL,
    connected_at     bigint NOT NULL,
    disconnected_at  bigint
);
CREATE INDEX wallet_connections_user ON wallet_connections (user_id, id);
CREATE INDEX wallet_connections_session ON wallet_connections (session_id);

CREATE TABLE api_keys (
    id              text   PRIMARY KEY,
    user_id         text   NOT NULL REFERENCES users (id),
    name            text   NOT NULL,
    prefix          text   NOT NULL UNIQUE,
    hash            bytea  NOT NULL UNIQUE CHECK (length(hash) = 32),
    signing_secret  bytea,
    scopes          text[] NOT NULL,
    accounts        text[] NOT NULL DEFAULT '{}',
    addresses       text[] NOT NULL DEFAULT '{}',
    domains         text[] NOT NULL DEFAULT '{}',
    per_minute      integer NOT NULL CHECK (per_minute > 0),
    per_hour        integer NOT NULL CHECK (per_hour > 0),
    per_day         integer NOT NULL CHECK (per_day > 0),
    created_at      bigint NOT NULL,
    expires_at      bigint,
    revoked_at      bigint,
    reason          text,
    replaces        text,
    last_used_at    bigint
);
CREATE INDEX api_keys_user ON api_keys (user_id, created_at);

-- `answered_at` null: the first request of this key is still at work, until `lease_until` at the latest.
CREATE TABLE idempotency_keys (
    user_id       text   NOT NULL,
    route         text   NOT NULL,
    key           text   NOT NULL,
    fingerprint   bytea  NOT NULL,
    lease_until   bigint NOT NULL,
    answered_at   bigint,
    status        integer,
    content_type  text,
    body          bytea,
    expires_at    bigint NOT NULL,
    PRIMARY KEY (user_id, route, key)
);
CREATE INDEX idempotency_keys_expiry ON idempotency_keys (expires_at);

-- What happened to a person's access, in order, never changed: the feed of audit, webhooks and notifications.
CREATE TABLE account_log (
    id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    user_id  text   NOT NULL,
    at       bigint NOT NULL,
    kind     text   NOT NULL,
    actor    text   NOT NULL,
    ip       text   NOT NULL DEFAULT '',
    detail   jsonb  NOT NULL DEFAULT '{}'
);
CREATE INDEX account_log_user ON account_log (user_id, id);
REVOKE UPDATE, DELETE, TRUNCATE ON account_log FROM cleartide_gateway;

CREATE TABLE gateway_secret (
    one      boolean PRIMARY KEY DEFAULT true CHECK (one),
    secret   bytea   NOT NULL CHECK (length(secret) = 32),
    made_at  bigint  NOT NULL
);

-- The second wall. The service acts as itself or not at all; a tenant reads its own rows and has no right to write any.
DO $$
DECLARE
    walled text;
BEGIN
    EXECUTE format('GRANT USAGE ON SCHEMA %I TO cleartide_gateway_tenant', current_schema());
    FOREACH walled IN ARRAY ARRAY['users', 'wallet_keys', 'wallets', 'external_identities', 'nonces', 'sessions',
        'refresh_tokens', 'wallet_connections', 'api_keys', 'idempotency_keys', 'account_log', 'gateway_secret'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', walled);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', walled);
        EXECUTE format('CREATE POLICY service ON %I FOR ALL TO cleartide_gateway '
            'USING (current_setting(''cleartide.actor'', true) = ''service'') '
            'WITH CHECK (current_setting(''cleartide.actor'', true) = ''service'')', walled);
    END LOOP;
    FOREACH walled IN ARRAY ARRAY['wallet_keys', 'wallets', 'external_identities', 'sessions', 'wallet_connections',
        'api_keys', 'account_log'] LOOP
        EXECUTE format('CREATE POLICY tenant ON %I FOR SELECT TO cleartide_gateway_tenant '
            'USING (user_id = current_setting(''cleartide.actor'', true))', walled);
        EXECUTE format('GRANT SELECT ON %I TO cleartide_gateway_tenant', walled);
    END LOOP;
END $$;
CREATE POLICY tenant ON users FOR SELECT TO cleartide_gateway_tenant
    USING (id = current_setting('cleartide.actor', true));
GRANT SELECT ON users TO cleartide_gateway_tenant;

-- The alert feed is folded; of it a tenant sees what is about its own family of accounts.
ALTER TABLE alert_feed ENABLE ROW LEVEL SECURITY;
ALTER TABLE alert_feed FORCE ROW LEVEL SECURITY;
ALTER TABLE alert_account_state ENABLE ROW LEVEL SECURITY;
ALTER TABLE alert_account_state FORCE ROW LEVEL SECURITY;
CREATE POLICY service ON alert_feed FOR ALL TO cleartide_gateway USING (true) WITH CHECK (true);
CREATE POLICY service ON alert_account_state FOR ALL TO cleartide_gateway USING (true) WITH CHECK (true);
CREATE POLICY tenant ON alert_feed FOR SELECT TO cleartide_gateway_tenant
    USING (split_part(account, '--', 1) = current_setting('cleartide.actor', true));
CREATE POLICY tenant ON alert_account_state FOR SELECT TO cleartide_gateway_tenant
    USING (split_part(account, '--', 1) = current_setting('cleartide.actor', true));
GRANT SELECT ON alert_feed, alert_account_state TO cleartide_gateway_tenant;

-- migrate:down
DROP POLICY tenant ON alert_account_state;
DROP POLICY tenant ON alert_feed;
DROP POLICY service ON alert_account_state;
DROP POLICY service ON alert_feed;
ALTER TABLE alert_account_state NO FORCE ROW LEVEL SECURITY;
ALTER TABLE alert_account_state DISABLE ROW LEVEL SECURITY;
ALTER TABLE alert_feed NO FORCE ROW LEVEL SECURITY;
ALTER TABLE alert_feed DISABLE ROW LEVEL SECURITY;
REVOKE ALL ON alert_feed, alert_account_state FROM cleartide_gateway_tenant;
DROP TABLE gateway_secret;
DROP TABLE account_log;
DROP TABLE idempotency_keys;
DROP TABLE api_keys;
DROP TABLE wallet_connections;
DROP TABLE refresh_tokens;
DROP TABLE sessions;
DROP TABLE nonces;
DROP TABLE external_identities;
DROP TABLE wallets;
DROP TABLE wallet_keys;
DROP TABLE users;
