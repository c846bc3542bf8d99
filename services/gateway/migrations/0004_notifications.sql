-- migrate:up
-- What people and programs are told. Instants are microseconds since the Unix epoch, UTC. `owner` is the account at the
-- head of a family. Nothing here is folded: a rebuild carries these tables over, with the places read in the streams.
CREATE TABLE notify_places (
    stream      text   PRIMARY KEY,
    stream_seq  bigint NOT NULL CHECK (stream_seq >= 0),
    told        text   NOT NULL
);

CREATE TABLE webhook_endpoints (
    id               text    PRIMARY KEY,
    owner            text    NOT NULL,
    url              text    NOT NULL,
    kinds            text[]  NOT NULL CHECK (cardinality(kinds) > 0),
    description      text    NOT NULL DEFAULT '',
    secret           text    NOT NULL,
    previous_secret  text,
    previous_until   bigint,
    state            text    NOT NULL CHECK (state IN ('active', 'disabled')),
    reason           text    NOT NULL DEFAULT '',
    failures         integer NOT NULL DEFAULT 0,
    failing_since    bigint,
    resume_at        bigint  NOT NULL DEFAULT 0,
    created_at       bigint  NOT NULL
);
CREATE INDEX webhook_endpoints_owner ON webhook_endpoints (owner);

-- The queue and its history. An event is delivered to an endpoint under one row, however often it is tried or replayed.
CREATE TABLE webhook_deliveries (
    id            bigint  GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    endpoint_id   text    NOT NULL REFERENCES webhook_endpoints (id) ON DELETE CASCADE,
    owner         text    NOT NULL,
    event_id      text    NOT NULL,
    kind          text    NOT NULL,
    body          text    NOT NULL,
    state         text    NOT NULL CHECK (state IN ('pending', 'delivered', 'failed')),
    attempts      integer NOT NULL DEFAULT 0,
    replays       integer NOT NULL DEFAULT 0,
    next_at       bigint  NOT NULL,
    created_at    bigint  NOT NULL,
    delivered_at  bigint,
    last_status   integer,
    last_error    text    NOT NULL DEFAULT '',
    UNIQUE (endpoint_id, event_id)
);
CREATE INDEX webhook_deliveries_due ON webhook_deliveries (next_at, endpoint_id) WHERE state = 'pending';
CREATE INDEX webhook_deliveries_history ON webhook_deliveries (endpoint_id, id);
CREATE INDEX webhook_deliveries_age ON webhook_deliveries (created_at) WHERE state <> 'pending';

CREATE TABLE notification_profiles (
    owner        text     PRIMARY KEY,
    email        text     NOT NULL DEFAULT '',
    push         text     NOT NULL DEFAULT '',
    chat         text     NOT NULL DEFAULT '',
    quiet_begin  smallint CHECK (quiet_begin BETWEEN 0 AND 1439),
    quiet_end    smallint CHECK (quiet_end BETWEEN 0 AND 1439),
    time_zone    text     NOT NULL DEFAULT 'UTC',
    changed_at   bigint   NOT NULL,
    CHECK ((quiet_begin IS NULL) = (quiet_end IS NULL))
);

CREATE TABLE notification_choices (
    owner     text   NOT NULL REFERENCES notification_profiles (owner) ON DELETE CASCADE,
    type      text   NOT NULL,
    channels  text[] NOT NULL,
    least     text   NOT NULL,
    PRIMARY KEY (owner, type)
);

CREATE TABLE notifications (
    id          text   PRIMARY KEY,
    owner       text   NOT NULL,
    account     text   NOT NULL,
    kind        text   NOT NULL,
    type        text   NOT NULL,
    priority    text   NOT NULL CHECK (priority IN ('low', 'normal', 'high', 'urgent')),
    title       text   NOT NULL,
    body        text   NOT NULL,
    state       text   NOT NULL CHECK (state IN ('pending', 'sent', 'delivered', 'failed', 'read')),
    in_app      boolean NOT NULL,
    created_at  bigint NOT NULL,
    expires_at  bigint NOT NULL,
    read_at     bigint
);
CREATE INDEX notifications_owner ON notifications (owner, created_at);
CREATE INDEX notifications_expiry ON notifications (expires_at);

CREATE TABLE notification_sends (
    id               bigint  GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    notification_id  text    NOT NULL REFERENCES notifications (id) ON DELETE CASCADE,
    owner            text    NOT NULL,
    channel          text    NOT NULL CHECK (channel IN ('email', 'push', 'chat')),
    address          text    NOT NULL,
    state            text    NOT NULL CHECK (state IN ('pending', 'sent', 'failed')),
    attempts         integer NOT NULL DEFAULT 0,
    next_at          bigint  NOT NULL,
    sent_at          bigint,
    last_error       text    NOT NULL DEFAULT '',
    UNIQUE (notification_id, channel)
);
CREATE INDEX notification_sends_due ON notification_sends (channel, next_at) WHERE state = 'pending';

CREATE TABLE price_alerts (
    id          text   PRIMARY KEY,
    owner       text   NOT NULL,
    account     text   NOT NULL,
    market      text   NOT NULL,
    direction   text   NOT NULL CHECK (direction IN ('above', 'below')),
    price       text   NOT NULL,
    created_at  bigint NOT NULL,
    fired_at    bigint
);
CREATE INDEX price_alerts_open ON price_alerts (market) WHERE fired_at IS NULL;
CREATE INDEX price_alerts_owner ON price_alerts (owner);

DO $$
DECLARE
    walled text;
BEGIN
    FOREACH walled IN ARRAY ARRAY['notify_places', 'webhook_endpoints', 'webhook_deliveries', 'notification_profiles',
        'notification_choices', 'notifications', 'notification_sends', 'price_alerts'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', walled);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', walled);
        EXECUTE format('CREATE POLICY service ON %I FOR ALL TO cleartide_gateway '
            'USING (current_setting(''cleartide.actor'', true) = ''service'') '
            'WITH CHECK (current_setting(''cleartide.actor'', true) = ''service'')', walled);
    END LOOP;
END $$;

-- migrate:down
DROP TABLE price_alerts;
DROP TABLE notification_sends;
DROP TABLE notifications;
DROP TABLE notification_choices;
DROP TABLE notification_profiles;
DROP TABLE webhook_deliveries;
DROP TABLE webhook_endpoints;
DROP TABLE notify_places;
