-- migrate:up
-- Who may operate, from where, and what they did. Instants are microseconds since the Unix epoch, UTC. Not folded.
CREATE TABLE admin_roles (
    user_id     text   PRIMARY KEY,
    role        text   NOT NULL CHECK (role IN ('owner', 'operator', 'support', 'auditor')),
    granted_by  text   NOT NULL,
    granted_at  bigint NOT NULL
);

-- Networks from which operators may come; an empty table means from everywhere.
CREATE TABLE admin_networks (
    network   text   PRIMARY KEY,
    added_by  text   NOT NULL,
    added_at  bigint NOT NULL
);

-- Every action, also one that was refused, with what was before and after. Rows are added and never touched again:
-- the service's role may do no more, and a trigger holds its owner to it.
CREATE TABLE admin_log (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at         bigint NOT NULL,
    actor      text   NOT NULL,
    role       text   NOT NULL,
    ip         text   NOT NULL,
    action     text   NOT NULL,
    resource   text   NOT NULL,
    outcome    text   NOT NULL CHECK (outcome IN ('done', 'refused')),
    old_value  text   NOT NULL DEFAULT '',
    new_value  text   NOT NULL DEFAULT '',
    note       text   NOT NULL DEFAULT ''
);
CREATE INDEX admin_log_actor ON admin_log (actor, id);

CREATE FUNCTION admin_log_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'admin_log is append-only';
END $$;
CREATE TRIGGER admin_log_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON admin_log
    FOR EACH STATEMENT EXECUTE FUNCTION admin_log_is_append_only();

DO $$
DECLARE
    walled text;
BEGIN
    FOREACH walled IN ARRAY ARRAY['admin_roles', 'admin_networks', 'admin_log'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', walled);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', walled);
        EXECUTE format('CREATE POLICY service ON %I FOR ALL TO cleartide_gateway '
            'USING (current_setting(''cleartide.actor'', true) = ''service'') '
            'WITH CHECK (current_setting(''cleartide.actor'', true) = ''service'')', walled);
    END LOOP;
END $$;

-- migrate:down
DROP TABLE admin_log;
DROP FUNCTION admin_log_is_append_only();
DROP TABLE admin_networks;
DROP TABLE admin_roles;
