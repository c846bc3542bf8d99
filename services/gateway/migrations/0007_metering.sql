-- migrate:up
-- Who asked what, how it was answered, and how much of it there was. Instants are microseconds since the Unix epoch, UTC.
-- `user_id` is empty for strangers, `key_id` for who came by a session. Not folded: a rebuild carries these tables over.
CREATE TABLE request_log (
    id         bigint  GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at         bigint  NOT NULL,
    user_id    text    NOT NULL,
    key_id     text    NOT NULL,
    method     text    NOT NULL,
    route      text    NOT NULL,
    status     integer NOT NULL,
    micros     bigint  NOT NULL CHECK (micros >= 0),
    bytes_in   bigint  NOT NULL CHECK (bytes_in >= 0),
    bytes_out  bigint  NOT NULL CHECK (bytes_out >= 0),
    ip         text    NOT NULL,
    error      text    NOT NULL DEFAULT ''
);
CREATE INDEX request_log_user ON request_log (user_id, id);
CREATE INDEX request_log_at ON request_log USING brin (at);

CREATE TABLE usage_hours (
    hour           bigint NOT NULL,
    user_id        text   NOT NULL,
    key_id         text   NOT NULL,
    method         text   NOT NULL,
    route          text   NOT NULL,
    requests       bigint NOT NULL,
    client_errors  bigint NOT NULL,
    server_errors  bigint NOT NULL,
    bytes_in       bigint NOT NULL,
    bytes_out      bigint NOT NULL,
    micros         bigint NOT NULL,
    slowest        bigint NOT NULL,
    PRIMARY KEY (hour, user_id, key_id, method, route)
);
CREATE INDEX usage_hours_user ON usage_hours (user_id, hour);

DO $$
DECLARE
    walled text;
BEGIN
    FOREACH walled IN ARRAY ARRAY['request_log', 'usage_hours'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', walled);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', walled);
        EXECUTE format('CREATE POLICY service ON %I FOR ALL TO cleartide_gateway '
            'USING (current_setting(''cleartide.actor'', true) = ''service'') '
            'WITH CHECK (current_setting(''cleartide.actor'', true) = ''service'')', walled);
        EXECUTE format('CREATE POLICY tenant ON %I FOR SELECT TO cleartide_gateway_tenant '
            'USING (user_id = current_setting(''cleartide.actor'', true))', walled);
        EXECUTE format('GRANT SELECT ON %I TO cleartide_gateway_tenant', walled);
    END LOOP;
END $$;

-- migrate:down
DROP TABLE usage_hours;
DROP TABLE request_log;
